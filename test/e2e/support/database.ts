/** Everything that requests to a shop have written, so that a test can tell whether a request wrote something. */
import { hash } from "node:crypto";
import { EJSON } from "bson";
import { isReadOnly, serviceOf } from "../../../broker/contract/contract.ts";
import { apiRoutes } from "../../../broker/http/api-route.ts";
import core from "../../../services/index.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import type { Shop } from "../../../souk/testing/start-shop.ts";

/**
 * Services none of whose routes writes: what they have follows from messages, at its own pace. A request that writes is seen
 * where its message is written first.
 */
const FOLLOWERS = new Set(
  core.contracts
    .map((it) => it.service)
    .filter((service) =>
      apiRoutes(core.contracts).every(
        ({ action, contract }) => serviceOf(action) !== service || isReadOnly(contract),
      ),
    ),
);

/** A hash of each collection's documents, by database and collection. */
export type Fingerprint = Readonly<Record<string, string>>;

/** @param leftOut names of collections that are not looked at */
async function fingerprint({ node }: Shop, leftOut: readonly string[] = []): Promise<Fingerprint> {
  const admin = node.runtime.database("orders").getClient().db("admin").admin();
  const { databases } = await admin.listDatabases();
  const found: [string, string][] = [];
  for (const { name } of databases.filter((it) => it.name.startsWith("souk_"))) {
    const service = name.slice("souk_".length);
    if (FOLLOWERS.has(service)) continue;
    const connection = node.runtime.database(service);
    const collections = (await connection.listCollections()).map((it) => it.name);
    for (const collection of collections.filter((it) => !leftOut.includes(it))) {
      const documents = await connection.collection(collection).find().sort({ _id: 1 }).toArray();
      found.push([`${name}.${collection}`, hash("sha256", EJSON.stringify(documents))]);
    }
  }
  return Object.fromEntries(found.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The fingerprint once nothing changes by itself any more: messages of earlier requests have arrived. */
export async function settled(shop: Shop, leftOut: readonly string[] = []): Promise<Fingerprint> {
  let last = await fingerprint(shop, leftOut);
  let same = 0;
  return eventually("the shop has nothing left to write", async () => {
    const now = await fingerprint(shop, leftOut);
    same = JSON.stringify(now) === JSON.stringify(last) ? same + 1 : 0;
    last = now;
    return same >= 3 && now;
  });
}

/** Names of the collections in which something is different, there now or gone. */
export const changed = (before: Fingerprint, after: Fingerprint): string[] =>
  [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((it) => before[it] !== after[it]);
