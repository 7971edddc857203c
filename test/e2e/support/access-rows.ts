/** The rows of all routes: each service has its own in `test/access-rows.ts`. */
import { globSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Rows } from "./access.ts";

const root = new URL("../../../", import.meta.url);
const files = globSync("services/*/test/access-rows.ts", { cwd: fileURLToPath(root) });
const found = await Promise.all(files.map(async (it) => (await import(new URL(it, root).href)).rows as Rows));

export const rows: Rows = Object.assign({}, ...found);
