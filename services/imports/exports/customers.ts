/** Accounts as a file. Nothing secret is in it. */
import { csvLine } from "./csv.ts";
import { idRange, nextRange } from "./id-range.ts";
import type { PageReader } from "./page.ts";

const PAGE = 250;
const COLUMNS = ["id", "email", "name", "roles", "createdAt"];

export const customersPage: PageReader = async (call, next, now) => {
  const { until, after } = idRange(next, now);
  const accounts = await call("users.exportPage", {
    until,
    limit: PAGE,
    ...(after === undefined ? {} : { after }),
  });
  const header = next === undefined ? csvLine(COLUMNS) : "";
  const lines = accounts.map((it) => csvLine([it.id, it.email, it.name, it.roles.join("|"), it.createdAt]));
  return {
    text: header + lines.join(""),
    next: nextRange(until, accounts.at(-1)?.id, accounts.length === PAGE),
  };
};
