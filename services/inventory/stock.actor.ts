/**
 * The stock of one SKU (the actor's id). Orders hold units, then buy or release them. Each hold has a generation, so
 * that a late message about an old hold can't touch the present one. Stock is never negative: held ≤ onHand always.
 */
import { z } from "zod";
import { type Decision, defineActor, type Outgoing, send } from "../../broker/actor/define-actor.ts";
import { withKey, withoutKey } from "../../broker/actor/shared-record.ts";
import type { ReceivedBy } from "../../broker/contract/contract.ts";
import type { Message } from "../../broker/contract/envelope.ts";
import { inventory, MAX_UNITS } from "./inventory.contract.ts";

const hold = z.strictObject({ quantity: z.int().min(1), generation: z.int().min(1) });

export const stockState = z
  .strictObject({
    onHand: z.int().min(0),
    /** Units in all holds. */
    held: z.int().min(0),
    /**
     * By order. Closed holds are removed, so that the document of a hot SKU stays small. During a sale, many are open
     * at once.
     */
    holds: z.record(z.string(), hold),
    nextGeneration: z.int().min(1),
    /** Increases whenever stock becomes unavailable or available again, so that readers can order these events. */
    revision: z.int().min(0),
    /** So few units available are low stock. Null or undefined where nobody wants to know. */
    lowAt: z.int().min(0).nullable().optional(),
    /** Whether it is low, for lists. */
    low: z.boolean().optional(),
    /** The record of a file that was written last, and what it did. */
    counted: z
      .strictObject({ key: z.string(), outcome: z.enum(["created", "updated", "unchanged"]) })
      .optional(),
  })
  .refine((it) => it.held <= it.onHand, "more is held than there is");
export type StockState = z.output<typeof stockState>;

export type StockMessage = ReceivedBy<typeof inventory, "stock">;

type Decided = Decision<StockState>;

/** A new stock item with these units on hand. */
export const newStock = (onHand: number): StockState => ({
  onHand,
  held: 0,
  holds: {},
  nextGeneration: 1,
  revision: 0,
});

/** Units that can still be held. */
export const available = (state: Pick<StockState, "onHand" | "held">): number => state.onHand - state.held;

/** Reason of a change of stock for the ledger, and its cause. */
interface Movement {
  reason: string;
  orderId?: string;
  by?: string | null;
}

/**
 * Moves to `next`. Informs the ledger when units on hand changed, the catalogue when availability changes to or from
 * 0, and everybody when it falls to the threshold of low stock.
 */
function change(sku: string, before: StockState | null, next: StockState, movement?: Movement): Decided {
  const was = before ? available(before) : 0;
  const is = available(next);
  const crossed = was > 0 !== is > 0;
  const state = withLow(crossed ? { ...next, revision: next.revision + 1 } : next);
  const delta = next.onHand - (before?.onHand ?? 0);
  const sent: Outgoing[] = [];
  if (delta !== 0 && movement)
    sent.push(
      send("stock.moved", sku, {
        delta,
        onHand: next.onHand,
        reason: movement.reason,
        orderId: movement.orderId ?? null,
        by: movement.by ?? null,
      }),
    );
  if (crossed)
    sent.push(send(is > 0 ? "stock.replenished" : "stock.depleted", sku, { revision: state.revision }));
  if (state.low && !before?.low)
    sent.push(send("stock.low", sku, { available: is, lowAt: state.lowAt ?? 0 }));
  return { state, send: sent };
}

function withLow(state: StockState): StockState {
  const { lowAt } = state;
  if (lowAt === undefined) return state;
  const low = lowAt !== null && available(state) <= lowAt;
  return low === state.low ? state : { ...state, low };
}

/** Whoever sets a threshold that is reached already is told at once. */
function configure(state: StockState | null, { subject, data }: Message<"stock.configure">): Decided {
  if (!state) return { state, refusal: { code: "NOT_FOUND", detail: `No stock of ${subject} is kept.` } };
  if (data.lowAt === (state.lowAt ?? null)) return { state };
  return change(subject, state, { ...state, lowAt: data.lowAt });
}

function create(state: StockState | null, { subject, data }: Message<"stock.create">): Decided {
  if (state) return { state, refusal: { code: "SKU_TAKEN", detail: `Stock of ${subject} is kept already.` } };
  return change(subject, null, newStock(data.onHand), { reason: "initial stock" });
}

function adjust(state: StockState | null, { subject, data }: Message<"stock.adjust">): Decided {
  if (!state) return { state, refusal: { code: "NOT_FOUND", detail: `No stock of ${subject} is kept.` } };
  const onHand = state.onHand + data.delta;
  if (onHand < state.held)
    return {
      state,
      refusal: {
        code: "INSUFFICIENT_STOCK",
        detail: `${state.onHand} on hand, ${state.held} of them held for orders.`,
      },
    };
  if (onHand > MAX_UNITS)
    return {
      state,
      refusal: { code: "CONFLICT", detail: `${MAX_UNITS} units are the most that can be kept.` },
    };
  return change(subject, state, { ...state, onHand }, { reason: data.reason, by: data.by });
}

/** What was counted is on hand. What is held for orders can't be missing of it. */
function count(before: StockState | null, { subject, data }: Message<"stock.count">): Decided {
  const { onHand = before?.onHand ?? 0, lowAt = before?.lowAt, key, by } = data;
  if (before && onHand < before.held)
    return {
      state: before,
      refusal: { code: "INSUFFICIENT_STOCK", detail: `${before.held} units are held for orders.` },
    };
  const same = before?.onHand === onHand && (before.lowAt ?? null) === (lowAt ?? null);
  const outcome = !before ? "created" : same ? "unchanged" : "updated";
  const next = { ...(before ?? newStock(0)), onHand, counted: { key, outcome } } as const;
  const state = lowAt === undefined ? next : { ...next, lowAt };
  return change(subject, before, state, { reason: before ? "counted" : "initial stock", by });
}

function reserve(state: StockState | null, { subject, data }: Message<"stock.reserve">): Decided {
  const { orderId, quantity } = data;
  const reserved = (it: { quantity: number; generation: number }) =>
    send("stock.reserved", orderId, { sku: subject, quantity: it.quantity, generation: it.generation });

  const rejected = (left: number) => send("stock.rejected", orderId, { sku: subject, available: left });

  if (!state) return { state, send: [rejected(0)] };
  const existing = state.holds[orderId];
  if (existing) return { state, send: [reserved(existing)] };
  if (available(state) < quantity) return { state, send: [rejected(available(state))] };
  const hold = { quantity, generation: state.nextGeneration };
  const decision = change(subject, state, {
    ...state,
    held: state.held + quantity,
    holds: withKey(state.holds, orderId, hold),
    nextGeneration: state.nextGeneration + 1,
  });
  return { ...decision, send: [reserved(hold), ...(decision.send ?? [])] };
}

/** Removes a hold. Null when there is none of this generation. */
function closeHold(
  state: StockState | null,
  { orderId, generation }: { orderId: string; generation: number },
) {
  const hold = state?.holds[orderId];
  if (!state || hold?.generation !== generation) return null;
  const holds = withoutKey(state.holds, orderId);
  return { quantity: hold.quantity, rest: { ...state, holds, held: state.held - hold.quantity } };
}

function commit(state: StockState | null, { subject, data }: Message<"stock.commit">): Decided {
  const closed = closeHold(state, data);
  if (!closed) return { state };
  const next = { ...closed.rest, onHand: closed.rest.onHand - closed.quantity };
  return change(subject, state, next, { reason: "sold", orderId: data.orderId });
}

function release(state: StockState | null, { subject, data }: Message<"stock.release">): Decided {
  const closed = closeHold(state, data);
  return closed ? change(subject, state, closed.rest) : { state };
}

/** Returned units are real, even where no stock item existed. One is created then. */
function restock(state: StockState | null, { subject, data }: Message<"stock.restock">): Decided {
  const from = state ?? newStock(0);
  const next = { ...from, onHand: from.onHand + data.quantity };
  return change(subject, state, next, { reason: data.reason, orderId: data.orderId });
}

function receive(state: StockState | null, message: Message<StockMessage>): Decided {
  switch (message.type) {
    case "stock.create":
      return create(state, message);
    case "stock.adjust":
      return adjust(state, message);
    case "stock.configure":
      return configure(state, message);
    case "stock.count":
      return count(state, message);
    case "stock.reserve":
      return reserve(state, message);
    case "stock.commit":
      return commit(state, message);
    case "stock.release":
      return release(state, message);
    case "stock.restock":
      return restock(state, message);
  }
}

export const stockActor = defineActor(inventory, "stock", {
  idempotentByKey: ["stock.reserve", "stock.commit", "stock.release"],
  maps: ["holds"],
  state: stockState,
  receive,
});
