/** A shop that imports and exports, and files for it. */
import assert from "node:assert/strict";
import type { ImportView, LineError } from "../../../services/imports/imports.schemas.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import type { HttpClient } from "../../../souk/testing/http-client.ts";
import { firstAdmin, type Person } from "../../../souk/testing/people.ts";
import { type Shop, startShop } from "../../../souk/testing/start-shop.ts";

export interface ImportingShop {
  readonly shop: Shop;
  readonly admin: Person;
  /** Sends a file, and gives the reply. */
  send(what: string, file: string | Uint8Array, options?: SendOptions): Promise<Answer>;
  /** Sends a file, and resolves when its import has ended. */
  run(what: string, file: string | Uint8Array, options?: SendOptions): Promise<ImportView>;
  errorsOf(id: string): Promise<LineError[]>;
  stop(): Promise<void>;
}

export interface Answer {
  status: number;
  body: ImportView & { code?: string; detail?: string };
}

interface SendOptions {
  type?: string;
  dryRun?: boolean;
}

export async function startImportingShop(): Promise<ImportingShop> {
  const shop = await startShop();
  const admin = await firstAdmin(shop.http);
  const send: ImportingShop["send"] = async (what, file, { type = "text/csv", dryRun } = {}) => {
    const query = `what=${what}${dryRun === undefined ? "" : `&dryRun=${dryRun}`}`;
    const reply = await fetch(`${shop.url}/api/v1/imports?${query}`, {
      method: "POST",
      headers: { authorization: `Bearer ${admin.accessToken}`, "content-type": type },
      body: typeof file === "string" ? file : Buffer.from(file),
    });
    return { status: reply.status, body: (await reply.json()) as Answer["body"] };
  };
  return {
    shop,
    admin,
    send,
    async run(what, file, options) {
      const { status, body } = await send(what, file, options);
      assert.equal(status, 201, JSON.stringify(body));
      return ended(admin.http, body.id);
    },
    errorsOf: async (id) =>
      (await admin.http.expect<{ items: LineError[] }>(200, "GET", `/imports/${id}/errors?limit=100`)).items,
    stop: () => shop.stop(),
  };
}

export const ended = (http: HttpClient, id: string): Promise<ImportView> =>
  eventually(`the end of import ${id}`, async () => {
    const found = await http.expect<ImportView>(200, "GET", `/imports/${id}`);
    assert.ok(found.endedAt !== null, found.status);
    return found;
  });

/** The numbers of an import. */
export const numbersOf = ({ done, created, updated, unchanged, failed }: ImportView) => ({
  done,
  created,
  updated,
  unchanged,
  failed,
});
