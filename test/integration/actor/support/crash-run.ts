/**
 * One run of the toy shop in a separate process, for the crash matrix. It opens the data in a folder and places the
 * same orders with the same ids. Then it kills itself at a crash point, or prints the final state.
 * Arguments: folder, crash point or "none", and how many times to pass that point before.
 */

import { startEmbeddedMongo } from "@souk/embedded-mongo";
import { derivedId } from "../../../../broker/contract/ids.ts";
import { startToyNode } from "./node.ts";
import { check, ordersOf, rest, stockOf } from "./shop-checks.ts";

const [dir = "", point = "none", passes = "0"] = process.argv.slice(2);
const ORDERS = 8;
const UNITS = 10;

let left = Number(passes);
const mongo = await startEmbeddedMongo({ dir, sync: "normal" });
const node = await startToyNode({
  uri: mongo.uri,
  tuning: { sweepAfterMs: 300, sweepEveryMs: 150 },
  crashPoints: (at) => {
    if (at === point && left-- === 0) process.kill(process.pid, "SIGKILL");
  },
});

for (const sku of ["a", "b"])
  await node.stock.apply(sku, "toy.create", { onHand: UNITS }, { id: derivedId("create", sku) });
await Promise.all(
  Array.from({ length: ORDERS }, async (_, n) => {
    // The last two want more than there is, and give back what they hold.
    const lines: Record<string, number> = n >= ORDERS - 2 ? { a: 1, b: UNITS + 1 } : { a: 1, b: 1 };
    await node.orders.apply(`order-${n}`, "toy.place", { lines }, { id: derivedId("place", n) });
  }),
);
await rest(node, ORDERS);
await check(node, UNITS);
const orders = (await ordersOf(node)).map((it) => [it._id, it.state.status]);
const stock = (await stockOf(node)).map((it) => [it._id, it.state.onHand, it.state.holds]);
process.stdout.write(JSON.stringify({ orders, stock }));
await node.stop();
await mongo.close();
