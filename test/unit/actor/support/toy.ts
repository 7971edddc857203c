/** A small shop to try the actor runtime with: orders hold stock, a worker takes the money. */
import { z } from "zod";
import {
  type ActorDefinition,
  type Decision,
  defineActor,
  send,
} from "../../../../broker/actor/define-actor.ts";
import "../../../../services/inventory/inventory.errors.ts";
import "../../../../services/orders/orders.errors.ts";
import "../../../../services/products/products.errors.ts";
import {
  command,
  defineContract,
  event,
  type MessagesOf,
  type ReceivedBy,
  reply,
  timer,
} from "../../../../broker/contract/contract.ts";
import type { Message } from "../../../../broker/contract/envelope.ts";

const quantity = z.int().min(1);
const generation = z.int().min(1);

const messages = {
  "toy.place": command(
    "toyorder",
    "Start an order; inline",
    z.strictObject({ lines: z.record(z.string(), quantity), ttlMs: z.int().optional() }),
  ),
  "toy.cancel": command("toyorder", "Cancel; inline", z.strictObject({})),
  "toy.expire": timer("toyorder", "Its time is over", z.strictObject({})),
  "toy.reserved": reply("toyorder", "Held", z.strictObject({ sku: z.string(), generation })),
  "toy.rejected": reply("toyorder", "Not enough", z.strictObject({ sku: z.string() })),
  "toy.captured": reply("toyorder", "Paid", z.strictObject({})),
  "toy.done": event("toyorder", "An order has ended", z.strictObject({ status: z.string() })),
  "toy.create": command("toystock", "Start a stock item; inline", z.strictObject({ onHand: z.int() })),
  "toy.adjust": command("toystock", "Change what is on hand", z.strictObject({ delta: z.int() })),
  "toy.reserve": command("toystock", "Hold", z.strictObject({ orderId: z.string(), quantity })),
  "toy.commit": command("toystock", "Sold", z.strictObject({ orderId: z.string(), generation })),
  "toy.release": command("toystock", "Free again", z.strictObject({ orderId: z.string(), generation })),
  "toy.poison": command("toystock", "Makes receive throw", z.strictObject({ why: z.string() })),
  "toy.pay": command("toypayment", "Take the money", z.strictObject({ orderId: z.string() })),
};

export const toy = defineContract({
  service: "toy",
  actions: {},
  messages,
  actors: {
    toyorder: {
      receives: ["toy.reserved", "toy.rejected", "toy.captured"],
      inline: ["toy.place", "toy.cancel"],
      partitions: 4,
    },
    toystock: {
      receives: ["toy.adjust", "toy.reserve", "toy.commit", "toy.release", "toy.poison"],
      inline: ["toy.create"],
      partitions: 4,
    },
  },
  workers: { till: { receives: ["toy.pay"] } },
});

declare module "../../../../broker/contract/contract.ts" {
  interface Messages extends MessagesOf<typeof messages> {}
}

export type OrderMessages = ReceivedBy<typeof toy, "toyorder">;
export type StockMessages = ReceivedBy<typeof toy, "toystock">;

const orderState = z.strictObject({
  status: z.enum(["placed", "paying", "paid", "rejected", "cancelled", "expired"]),
  /** Per SKU the quantity and, once held, the generation of the hold; 0 before, -1 when refused. */
  lines: z.record(z.string(), z.strictObject({ quantity, generation: z.int() })),
});
export type OrderState = z.output<typeof orderState>;

/** Ends the order: what is held goes free. Holds that are confirmed later are released when they come. */
function end(id: string, state: OrderState, status: OrderState["status"]): Decision<OrderState> {
  return {
    state: { ...state, status },
    send: [
      ...Object.entries(state.lines)
        .filter(([, line]) => line.generation > 0)
        .map(([sku, line]) => send("toy.release", sku, { orderId: id, generation: line.generation })),
      send("toy.done", id, { status }),
    ],
    timers: [{ cancel: "expire" }],
  };
}

function reserved(state: OrderState, message: Message<"toy.reserved">): Decision<OrderState> {
  const { sku, generation: held } = message.data;
  const line = state.lines[sku];
  if (line?.generation === held) return { state };
  if (line?.generation !== 0 || (state.status !== "placed" && state.status !== "paying"))
    return { state, send: [send("toy.release", sku, { orderId: message.subject, generation: held })] };
  const lines = { ...state.lines, [sku]: { ...line, generation: held } };
  if (Object.values(lines).some((it) => it.generation <= 0)) return { state: { ...state, lines } };
  return {
    state: { status: "paying", lines },
    send: [send("toy.pay", message.subject, { orderId: message.subject })],
  };
}

export const toyOrder: ActorDefinition<OrderState, OrderMessages> = defineActor(toy, "toyorder", {
  startedBy: ["toy.place"],
  maps: ["lines"],
  state: orderState,
  receive(state, message): Decision<OrderState> {
    const id = message.subject;
    if (!state) {
      if (message.type !== "toy.place") {
        if (message.type !== "toy.reserved") return { state };
        const { sku, generation: held } = message.data;
        return { state, send: [send("toy.release", sku, { orderId: id, generation: held })] };
      }
      const { lines, ttlMs } = message.data;
      return {
        state: {
          status: "placed",
          lines: Object.fromEntries(
            Object.entries(lines).map(([sku, count]) => [sku, { quantity: count, generation: 0 }]),
          ),
        },
        send: Object.entries(lines).map(([sku, count]) =>
          send("toy.reserve", sku, { orderId: id, quantity: count }),
        ),
        timers:
          ttlMs === undefined
            ? []
            : [
                {
                  set: "expire",
                  message: { type: "toy.expire", data: {} },
                  due: Date.parse(message.time) + ttlMs,
                },
              ],
      };
    }
    const open = state.status === "placed" || state.status === "paying";
    switch (message.type) {
      case "toy.place":
        return { state, refusal: { code: "CONFLICT", detail: "It is placed already." } };
      case "toy.reserved":
        return reserved(state, message);
      case "toy.rejected":
        return open ? end(id, state, "rejected") : { state };
      case "toy.captured":
        if (state.status !== "paying") return { state };
        return {
          state: { ...state, status: "paid" },
          send: [
            ...Object.entries(state.lines).map(([sku, line]) =>
              send("toy.commit", sku, { orderId: id, generation: line.generation }),
            ),
            send("toy.done", id, { status: "paid" }),
          ],
          timers: [{ cancel: "expire" }],
        };
      case "toy.cancel":
        if (!open)
          return { state, refusal: { code: "ORDER_NOT_CANCELLABLE", detail: `It is ${state.status}.` } };
        return end(id, state, "cancelled");
      case "toy.expire":
        return open ? end(id, state, "expired") : { state };
    }
  },
});

const stockState = z.strictObject({
  onHand: z.int().min(0),
  generation: z.int(),
  holds: z.record(z.string(), z.strictObject({ quantity, generation })),
});
export type StockState = z.output<typeof stockState>;

export const held = (state: StockState): number =>
  Object.values(state.holds).reduce((sum, it) => sum + it.quantity, 0);

function close(state: StockState, orderId: string, held: number, sold: boolean): Decision<StockState> {
  const hold = state.holds[orderId];
  if (hold?.generation !== held) return { state };
  const { [orderId]: gone, ...holds } = state.holds;
  return { state: { ...state, holds, onHand: state.onHand - (sold ? gone!.quantity : 0) } };
}

export const toyStock: ActorDefinition<StockState, StockMessages> = defineActor(toy, "toystock", {
  idempotentByKey: ["toy.reserve", "toy.commit", "toy.release"],
  maps: ["holds"],
  state: stockState,
  receive(state, message): Decision<StockState> {
    if (message.type === "toy.poison") throw new Error(message.data.why);
    if (!state) {
      if (message.type === "toy.create")
        return { state: { onHand: message.data.onHand, generation: 0, holds: {} } };
      if (message.type !== "toy.reserve") return { state };
      return { state, send: [send("toy.rejected", message.data.orderId, { sku: message.subject })] };
    }
    switch (message.type) {
      case "toy.create":
        return { state, refusal: { code: "SKU_TAKEN", detail: "There is such stock." } };
      case "toy.adjust": {
        const onHand = state.onHand + message.data.delta;
        if (onHand < held(state))
          return { state, refusal: { code: "INSUFFICIENT_STOCK", detail: "It is held." } };
        return { state: { ...state, onHand } };
      }
      case "toy.reserve": {
        const { orderId, quantity: wanted } = message.data;
        const hold = state.holds[orderId];
        const sku = message.subject;
        if (hold)
          return { state, send: [send("toy.reserved", orderId, { sku, generation: hold.generation })] };
        if (state.onHand - held(state) < wanted)
          return { state, send: [send("toy.rejected", orderId, { sku })] };
        const next = state.generation + 1;
        return {
          state: {
            ...state,
            generation: next,
            holds: { ...state.holds, [orderId]: { quantity: wanted, generation: next } },
          },
          send: [send("toy.reserved", orderId, { sku, generation: next })],
        };
      }
      case "toy.commit":
        return close(state, message.data.orderId, message.data.generation, true);
      case "toy.release":
        return close(state, message.data.orderId, message.data.generation, false);
    }
  },
});
