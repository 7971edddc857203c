/**
 * A small pure model for the saga. It has order, stock, payment and delivery actors, and a model of a payment
 * provider with its workers. A pool holds the messages in transit. A test delivers any of them, in any order, any
 * number of times.
 */
import type { ActorDefinition, Decision, Outgoing } from "../../../broker/actor/define-actor.ts";
import { deepFreeze } from "../../../broker/actor/runtime/document/freeze.ts";
import type { DataIn, MessageType } from "../../../broker/contract/contract.ts";
import { type Envelope, envelope, type Message } from "../../../broker/contract/envelope.ts";
import type { ErrorCode } from "../../../broker/contract/errors.ts";
import { derivedId, derivedV7 } from "../../../broker/contract/ids.ts";
import { type DeliveryState, deliveryActor } from "../../../services/delivery/delivery.actor.ts";
import core from "../../../services/index.ts";
import { newStock, type StockState, stockActor } from "../../../services/inventory/stock.actor.ts";
import { orderActor } from "../../../services/orders/order/order.actor.ts";
import type { OrderState } from "../../../services/orders/order/state.ts";
import type { PaymentState } from "../../../services/payments/payment/state.ts";
import { anAddress } from "../../../souk/testing/address.ts";
import { paymentActor } from "../../support/providers/payment-actor.ts";

type AnyActor = Omit<ActorDefinition<object, MessageType>, "maps">;
const definitions = new Map<string, AnyActor>(
  [orderActor, stockActor, paymentActor, deliveryActor].map((it) => [it.type, it]),
);
/** Which actor types each message type goes to, as the mailboxes are bound. */
const mailboxes = new Map<string, string[]>();
for (const { actors } of core.contracts)
  for (const [actor, { receives }] of Object.entries(actors))
    for (const type of receives) mailboxes.set(type, [...(mailboxes.get(type) ?? []), actor]);

const START = Date.parse("2026-01-01T00:00:00Z");
const ORDER_TTL_MS = 1_800_000;
const PRICE = 500;
const CUSTOMER = uuid(0xc0ffee);
const ADDRESS = anAddress();

export function uuid(n: number): string {
  return `019b76da-a800-7000-8000-${n.toString(16).padStart(12, "0")}`;
}

/** What the provider has done with one payment. */
interface Charge {
  paymentId: string;
  amount: number;
  /** `processing`: the bank works on it, so nobody can call it off. */
  status: "open" | "processing" | "captured" | "expired" | "cancelled";
  /** The customer failed last, and may try again. */
  declined: boolean;
  refunds: Map<string, number>;
}

export interface Refused {
  code: ErrorCode;
}

export class SagaWorld {
  readonly states = new Map<string, object>();
  /** On their way. */
  readonly pool: Envelope[] = [];
  /** Delivered at least once: what a late duplicate is taken from. */
  readonly past: Envelope[] = [];
  readonly timers = new Map<
    string,
    { actor: string; id: string; message: { type: string; data: unknown }; due: number }
  >();
  readonly charges = new Map<string, Charge>();
  /** Every message that was sent, by type. */
  readonly sent = new Map<string, Envelope[]>();
  readonly adjusted = new Map<string, number>();
  readonly #seen = new Map<string, Set<string>>();
  readonly #answered = new Set<string>();
  readonly #initial: ReadonlyMap<string, number>;
  #ids = 0;
  #now = START;

  /** @param stock units on hand per SKU */
  constructor(stock: Record<string, number>) {
    this.#initial = new Map(Object.entries(stock));
    for (const [sku, onHand] of this.#initial) this.states.set(`stock/${sku}`, deepFreeze(newStock(onHand)));
  }

  // -- looking ---------------------------------------------------------------------------------------------------

  all<S>(actor: string): [id: string, state: S][] {
    const prefix = `${actor}/`;
    return [...this.states]
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, state]) => [key.slice(prefix.length), state as S]);
  }
  get orders(): [string, OrderState][] {
    return this.all("order");
  }
  get stocks(): [string, StockState][] {
    return this.all("stock");
  }
  get payments(): [string, PaymentState][] {
    return this.all("payment");
  }
  get deliveries(): [string, DeliveryState][] {
    return this.all("delivery");
  }
  order(id: string): OrderState {
    const found = this.states.get(`order/${id}`);
    if (!found) throw new Error(`no order ${id}`);
    return found as OrderState;
  }
  /** Units of a SKU that were put on hand from outside: at first and by adjustments. */
  supplied(sku: string): number {
    return (this.#initial.get(sku) ?? 0) + (this.adjusted.get(sku) ?? 0);
  }

  // -- what people do --------------------------------------------------------------------------------------------

  place(lines: readonly { sku: string; quantity: number }[], provider = "sandbox", price = PRICE): string {
    const id = uuid(0x1000 + this.orders.length);
    const money = (units: number) => ({ amount: units * price, currency: "USD" });
    this.inline("order", id, "order.place", {
      number: `N${this.orders.length}`,
      customerId: CUSTOMER,
      lines: lines.map((it) => ({ ...it, name: it.sku, unitPrice: money(1), total: money(it.quantity) })),
      total: money(lines.reduce((sum, it) => sum + it.quantity, 0)),
      shippingAddress: ADDRESS,
      payment: { provider },
      paymentId: derivedV7(id, "payment"),
      deliveryId: derivedV7(id, "delivery"),
      expiresAt: new Date(START + ORDER_TTL_MS).toISOString(),
    });
    return id;
  }

  /** Applies a message at once, as an action does. */
  inline<T extends MessageType>(actor: string, id: string, type: T, data: DataIn<T>): Refused | undefined {
    const refusal = this.#handle(actor, id, this.#envelope(type, id, data)).refusal;
    return refusal && { code: refusal.code };
  }

  fireTimer(key: string): void {
    const timer = this.timers.get(key);
    if (!timer) return;
    this.timers.delete(key);
    this.#now = Math.max(this.#now, timer.due);
    this.#handle(
      timer.actor,
      timer.id,
      this.#envelope(timer.message.type as MessageType, timer.id, timer.message.data),
    );
  }

  /** The customer pays, or tries to; nothing happens where the provider would not let it. */
  reportCharge(charge: Charge, status: "captured" | "failed" | "expired" | "processing"): void {
    const isPossible =
      charge.status === "open" ||
      (charge.status === "processing" && (status === "captured" || status === "failed"));
    if (!isPossible) return;
    charge.status = status === "failed" ? "open" : status;
    charge.declined = status === "failed";
    this.post("payment.report", charge.paymentId, this.#reportOf(charge));
  }

  #reportOf(charge: Charge): DataIn<"payment.report"> {
    const { paymentId, amount, status, declined } = charge;
    return {
      provider: "sandbox",
      eventId: `e${this.#ids}`,
      providerRef: `ref-${paymentId}`,
      status: status !== "open" ? status : declined ? "failed" : "pending",
      amount: status === "captured" ? { amount, currency: "USD" } : null,
      receipt: status === "captured" ? `r-${paymentId}` : null,
      reason: null,
      refunds: [...charge.refunds].map(([refundId, back]) => ({
        refundId,
        refundRef: refundId,
        amount: { amount: back, currency: "USD" },
        status: "succeeded",
        reason: null,
      })),
    };
  }

  adjust(sku: string, delta: number): void {
    const refused = this.inline("stock", sku, "stock.adjust", { delta, reason: "count", by: null });
    if (!refused) this.adjusted.set(sku, (this.adjusted.get(sku) ?? 0) + delta);
  }

  // -- messages --------------------------------------------------------------------------------------------------

  post<T extends MessageType>(type: T, subject: string, data: DataIn<T>, id?: string): void {
    this.#queue(this.#envelope(type, subject, data, id));
  }

  /** Delivers a message of the pool; `keep` leaves it there to be delivered again. */
  deliver(index: number, keep = false): void {
    const message = this.pool[index];
    if (!message) return;
    if (!keep) {
      // The order of the pool means nothing.
      const last = this.pool.pop();
      if (last && index < this.pool.length) this.pool[index] = last;
    }
    this.past.push(message);
    this.redeliver(message);
  }

  redeliver(message: Envelope): void {
    for (const actor of mailboxes.get(message.type) ?? []) this.#handle(actor, message.subject, message);
    this.#work(message as Message);
  }

  /** Delivers everything that is on its way, and what comes of it. */
  drain(pick: (size: number) => number = (size) => size - 1): void {
    for (let steps = 0; this.pool.length > 0; steps++) {
      if (steps > 10_000) throw new Error("the saga does not come to rest");
      this.deliver(pick(this.pool.length));
    }
  }

  #envelope<T extends MessageType>(type: T, subject: string, data: unknown, id?: string): Envelope {
    this.#now += 1;
    return deepFreeze(
      envelope(type, subject, data as DataIn<T>, {
        source: "/test",
        at: this.#now,
        id: id ?? uuid(0x100000 + this.#ids++),
      }),
    );
  }

  #queue(message: Envelope): void {
    const ofType = this.sent.get(message.type);
    if (ofType) ofType.push(message);
    else this.sent.set(message.type, [message]);
    if (mailboxes.has(message.type) || WORK.has(message.type)) this.pool.push(message);
  }

  /** What the runtime does: inbox, decision, state, outbox, timers. */
  #handle(actor: string, id: string, message: Envelope): Decision<object> {
    const definition = definitions.get(actor);
    if (!definition) throw new Error(`no actor ${actor}`);
    const key = `${actor}/${id}`;
    const before = this.states.get(key) ?? null;
    if (!definition.idempotentByKey?.includes(message.type as MessageType)) {
      const seen = this.#seen.get(key) ?? new Set();
      this.#seen.set(key, seen);
      if (seen.has(message.id)) return { state: before };
      seen.add(message.id);
    }
    const decision = definition.receive(before, message as Message);
    if (decision.refusal && decision.state !== before)
      throw new Error(`${message.type} refused, yet changed`);
    if (decision.state === null && before !== null) throw new Error(`${message.type} would delete the actor`);
    if (decision.state && decision.state !== before) {
      definition.state.parse(decision.state);
      this.states.set(key, deepFreeze(decision.state));
    }
    for (const change of decision.timers ?? [])
      if ("set" in change)
        this.timers.set(`${key}/${change.set}`, { actor, id, message: change.message, due: change.due });
      else this.timers.delete(`${key}/${change.cancel}`);
    for (const it of decision.send ?? []) this.#send(it);
    return decision;
  }

  #send({ type, subject, data }: Outgoing): void {
    this.#queue(this.#envelope(type, subject, data));
  }

  // -- the provider and the workers that talk to it ----------------------------------------------------------------

  #work(message: Message): void {
    const answer = <T extends MessageType>(type: T, subject: string, data: DataIn<T>) => {
      const id = derivedId(message.id, type);
      if (this.#answered.has(id)) {
        const first = this.past.find((it) => it.id === id);
        if (first) this.pool.push(first);
        return;
      }
      this.#answered.add(id);
      this.post(type, subject, data, id);
    };
    switch (message.type) {
      case "payment.request":
        if (message.data.payment.provider !== "sandbox") {
          answer("payment.refused", message.subject, { reason: "no" });
          return;
        }
        if (!this.charges.has(message.subject))
          this.charges.set(message.subject, {
            paymentId: message.subject,
            amount: message.data.amount.amount,
            status: "open",
            declined: false,
            refunds: new Map(),
          });
        answer("payment.opened", message.subject, {
          providerRef: `ref-${message.subject}`,
          nextAction: { type: "redirect", url: "https://pay.test/" },
          expiresAt: null,
        });
        return;
      case "provider.cancel": {
        const charge = this.charges.get(message.subject);
        if (charge?.status === "open") charge.status = "cancelled";
        return;
      }
      case "provider.check": {
        const charge = this.charges.get(message.subject);
        const { settles } = message.data;
        if (charge) answer("payment.report", message.subject, { ...this.#reportOf(charge), settles });
        return;
      }
      case "provider.refund": {
        const { refundId, amount } = message.data;
        this.charges.get(message.subject)?.refunds.set(refundId, amount.amount);
        answer("provider.refunded", message.subject, { refundId });
        return;
      }
      default:
        return;
    }
  }
}

const WORK = new Set(["payment.request", "provider.check", "provider.cancel", "provider.refund"]);

/** What the provider keeps of a payment in the end, in minor units. */
export const kept = (charge: Charge | undefined): number =>
  charge?.status === "captured" ? charge.amount - [...charge.refunds.values()].reduce((a, b) => a + b, 0) : 0;
