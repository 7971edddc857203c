/** The required result of every run of the toy shop. */
import assert from "node:assert/strict";
import type { ActorDocument } from "../../../../broker/actor/runtime/document/actor-host.types.ts";
import { eventually } from "../../../../souk/testing/eventually.ts";
import { held, type OrderState, type StockState } from "../../../unit/actor/support/toy.ts";
import type { ToyNode } from "./node.ts";

export const ordersOf = (node: ToyNode): Promise<ActorDocument<OrderState>[]> => all(node, "toyorder");
export const stockOf = (node: ToyNode): Promise<ActorDocument<StockState>[]> => all(node, "toystock");

const all = <S>(node: ToyNode, collection: string): Promise<ActorDocument<S>[]> =>
  node.connection.collection(collection).find<ActorDocument<S>>({}).sort({ _id: 1 }).toArray();

/** Waits until all orders have ended and nothing is left in an outbox. */
export async function rest(node: ToyNode, orders: number, timeoutMs = 20_000): Promise<void> {
  await eventually(
    "the shop comes to rest",
    async () => {
      const found = await ordersOf(node);
      const open = found.filter((it) => it.state.status === "placed" || it.state.status === "paying");
      const sending = [...found, ...(await stockOf(node))].filter((it) => it.outbox.length > 0);
      return found.length === orders && open.length === 0 && sending.length === 0;
    },
    timeoutMs,
  );
}

/** Every unit is accounted for. A message after the order's end removes holds, so it polls. */
export async function check(node: ToyNode, onHand: number): Promise<void> {
  const orders = await ordersOf(node);
  const sold = new Map<string, number>();
  for (const { state } of orders)
    if (state.status === "paid")
      for (const [sku, line] of Object.entries(state.lines))
        sold.set(sku, (sold.get(sku) ?? 0) + line.quantity);
  const stock = await eventually("nothing is held any more", async () => {
    const found = await stockOf(node);
    return found.every((it) => held(it.state) === 0) && found;
  });
  for (const { _id: sku, state } of stock)
    assert.equal(state.onHand, onHand - (sold.get(sku) ?? 0), `units of ${sku}`);
}
