/** Two actors for the bench of messages: orders send lines of `stock.reserve`'s size, stock notes them. No replies. */
import { z } from "zod";
import { defineActor, send } from "../../../broker/actor/define-actor.ts";
import { command, defineContract, type MessagesOf } from "../../../broker/contract/contract.ts";

const quantity = z.int().min(1);

const messages = {
  "busbench.place": command(
    "busorder",
    "Sends one line to each SKU; inline",
    z.strictObject({ skus: z.array(z.string()) }),
  ),
  "busbench.reserve": command("busstock", "Counts units", z.strictObject({ orderId: z.string(), quantity })),
};

export const busBench = defineContract({
  service: "busbench",
  actions: {},
  messages,
  actors: {
    busorder: { receives: [], inline: ["busbench.place"] },
    busstock: { receives: ["busbench.reserve"] },
  },
});

declare module "../../../broker/contract/contract.ts" {
  interface Messages extends MessagesOf<typeof messages> {}
}

const orderState = z.strictObject({ lines: z.int() });
export const busOrder = defineActor(busBench, "busorder", {
  state: orderState,
  startedBy: ["busbench.place"],
  receive: (state, { subject, data }) => ({
    state: { lines: (state?.lines ?? 0) + data.skus.length },
    send: data.skus.map((sku) => send("busbench.reserve", sku, { orderId: subject, quantity: 1 })),
  }),
});

const stockState = z.strictObject({ units: z.int().min(0) });
export const busStock = defineActor(busBench, "busstock", {
  state: stockState,
  receive: (state, { data }) => ({ state: { units: (state?.units ?? 0) + data.quantity } }),
});
