/**
 * Returns of one order under random interleavings: several at once, accepted in part, refused, cancelled, expired,
 * with repeated and reordered messages. No unit is returned twice, and what is given back adds up.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { ActorDefinition, Outgoing } from "../../../broker/actor/define-actor.ts";
import type { DataIn, MessageType } from "../../../broker/contract/contract.ts";
import { type Envelope, envelope, type Message } from "../../../broker/contract/envelope.ts";
import "../../../services/contracts.ts";
import { orderActor } from "../../../services/orders/order/order.actor.ts";
import { returnable } from "../../../services/orders/order/returns.ts";
import type { OrderState } from "../../../services/orders/order/state.ts";
import { returnActor } from "../../../services/returns/return/return.actor.ts";
import type { ReturnState } from "../../../services/returns/return/state.ts";
import { anAddress } from "../../../souk/testing/address.ts";

const START = Date.parse("2026-01-01T00:00:00Z");
const uuid = (n: number) => `019b76da-a800-7000-8000-${n.toString(16).padStart(12, "0")}`;
const [ORDER, PAYMENT, DELIVERY, PERSON] = [1, 2, 3, 4].map(uuid) as [string, string, string, string];
const MAX_RETURNS = 6;
const usd = (amount: number) => ({ amount, currency: "USD" });

type Line = readonly [quantity: number, total: number];

const actors: Record<string, Omit<ActorDefinition<object, MessageType>, "maps">> = {
  order: orderActor,
  return: returnActor,
};

/** One order, its returns, and a payment that gives back what it is asked for or refuses. */
class World {
  readonly returns = new Map<string, ReturnState>();
  readonly pool: Envelope[] = [];
  readonly past: Envelope[] = [];
  /** By refund id. */
  readonly refunds = new Map<string, number>();
  readonly restocked: { sku: string; quantity: number }[] = [];
  #order: OrderState | null = null;
  #now = START;
  #ids = 0x1000;

  constructor(lines: readonly Line[]) {
    const total = lines.reduce((sum, [, amount]) => sum + amount, 0);
    const placed = {
      number: "N1",
      customerId: PERSON,
      lines: lines.map(([quantity, amount], n) => ({
        sku: `S${n}`,
        name: `Thing ${n}`,
        quantity,
        // A discount on the line: its total is no multiple of a price.
        unitPrice: usd(Math.ceil(amount / quantity)),
        total: usd(amount),
      })),
      total: usd(total),
      shippingAddress: anAddress(),
      payment: { provider: "sandbox" },
      paymentId: PAYMENT,
      deliveryId: DELIVERY,
      expiresAt: new Date(START + 1_800_000).toISOString(),
    };
    const tell = <T extends MessageType>(type: T, data: DataIn<T>) =>
      this.#decide("order", this.#message(type, ORDER, data));
    tell("order.place", placed);
    for (const { sku, quantity } of placed.lines) tell("stock.reserved", { sku, quantity, generation: 1 });
    if (total > 0) tell("payment.captured", { paymentId: PAYMENT, amount: usd(total) });
    tell("delivery.succeeded", { deliveryId: DELIVERY });
    assert.equal(this.order.status, "delivered");
  }

  get order(): OrderState {
    if (!this.#order) throw new Error("the order was not placed");
    return this.#order;
  }

  /** @returns whether the order agreed */
  request(returnId: string, lines: { sku: string; quantity: number }[]): boolean {
    return this.#decide(
      "order",
      this.#message("order.return", ORDER, { returnId, lines, reason: "too big", deliveredAfter: null }),
    );
  }

  inline<T extends MessageType>(returnId: string, type: T, data: DataIn<T>): boolean {
    return this.#decide("return", this.#message(type, returnId, data));
  }

  deliver(n: number, keep: boolean): void {
    if (this.pool.length === 0) return;
    const at = n % this.pool.length;
    const [message] = keep ? [this.pool[at]] : this.pool.splice(at, 1);
    if (!message) return;
    this.past.push(message);
    this.handle(message);
  }

  handle(message: Envelope): void {
    if (message.type.startsWith("return.") && message.subject !== ORDER) this.#decide("return", message);
    else if (actors.order?.receives.includes(message.type as MessageType)) this.#decide("order", message);
    else if (message.type === "payment.refund") this.#pay(message as Message<"payment.refund">);
  }

  #pay({ data }: Message<"payment.refund">): void {
    const { refundId, amount } = data;
    if (!amount) throw new Error("a return names its amount");
    const first = !this.refunds.has(refundId);
    const fails = first && this.#ids % 5 === 0;
    if (first) this.refunds.set(refundId, fails ? 0 : amount.amount);
    const given = this.refunds.get(refundId) ?? 0;
    const [returnId] = [...this.returns].find(([, it]) => it.refund?.id === refundId) ?? [];
    if (returnId === undefined) return;
    const failure = given === 0 ? "no" : null;
    this.pool.push(
      this.#message("return.refund_settled", returnId, { refundId, amount: amount.amount, failure }),
    );
  }

  #decide(actor: "order" | "return", message: Envelope): boolean {
    const definition = actors[actor];
    if (!definition) throw new Error(`no actor ${actor}`);
    const before = actor === "order" ? this.#order : (this.returns.get(message.subject) ?? null);
    const { state, send = [], refusal } = definition.receive(before, message as Message);
    if (state && state !== before) {
      definition.state.parse(state);
      if (actor === "order") this.#order = state as OrderState;
      else this.returns.set(message.subject, state as ReturnState);
    }
    for (const it of send) this.#send(it);
    return refusal === undefined;
  }

  #send({ type, subject, data }: Outgoing): void {
    if (type === "stock.restock") this.restocked.push({ sku: subject, quantity: data.quantity });
    else this.pool.push(this.#message(type, subject, data as DataIn<typeof type>));
  }

  #message<T extends MessageType>(type: T, subject: string, data: DataIn<T>): Envelope {
    this.#now += 1;
    return envelope(type, subject, data, { source: "/test", at: this.#now, id: uuid(this.#ids++) });
  }
}

const ids = Array.from({ length: MAX_RETURNS }, (_, n) => uuid(0x100 + n));

/** Kinds of steps; `n` steers each. */
const STEPS: ((world: World, n: number) => void)[] = [
  (world, n) => {
    const skus = world.order.lines.map((it) => it.sku).filter((_, i) => (n >> i) & 1);
    const lines = skus.map((sku, i) => ({ sku, quantity: 1 + ((n >> (3 + i)) & 3) }));
    if (lines.length > 0) world.request(ids[n % MAX_RETURNS] ?? "", lines);
  },
  (world, n) => {
    const id = ids[n % MAX_RETURNS] ?? "";
    const expiresAt = new Date(START + 1e9).toISOString();
    world.inline(id, "return.approve", { by: PERSON, expiresAt });
  },
  (world, n) => {
    const id = ids[n % MAX_RETURNS] ?? "";
    const lines = (world.returns.get(id)?.lines ?? []).map(({ sku, quantity }, i) => ({
      sku,
      accepted: (n >> (3 + i)) % (quantity + 1),
      restock: ((n >> i) & 1) === 1,
    }));
    world.inline(id, "return.receive", { by: PERSON, lines, refund: null, reason: "as found" });
  },
  (world, n) => {
    const id = ids[n % MAX_RETURNS] ?? "";
    if (n & 64) world.inline(id, "return.cancel", { by: PERSON });
    else if (n & 32) world.inline(id, "return.refuse", { by: PERSON, reason: "no" });
    else if (n & 16) world.inline(id, "return.expire", {});
    else world.inline(id, "return.retry_refund", { by: PERSON });
  },
  (world, n) => world.deliver(n, false),
  (world, n) => world.deliver(n, false),
  (world, n) => world.deliver(n, true),
  (world, n) => {
    const late = world.past[n % Math.max(1, world.past.length)];
    if (late) world.handle(late);
  },
];

const lines = fc.array(fc.tuple(fc.integer({ min: 1, max: 5 }), fc.nat({ max: 1_003 })), {
  minLength: 1,
  maxLength: 3,
});
const tape = fc.array(fc.nat({ max: 0xffffff }), { minLength: 10, maxLength: 120, size: "max" });

const sum = (numbers: Iterable<number>): number => [...numbers].reduce((a, b) => a + b, 0);
const paidBack = (it: ReturnState): number => (it.status === "refunded" ? (it.refund?.amount ?? 0) : 0);

function run(bought: readonly Line[], steps: readonly number[]): World {
  const world = new World(bought);
  for (const n of steps) STEPS[n % STEPS.length]?.(world, Math.floor(n / STEPS.length));
  while (world.pool.length > 0) world.deliver(world.pool.length - 1, false);
  return world;
}

describe("returns of one order", () => {
  it("never take or refund more than was bought, and know in the end what can still be returned", () => {
    let accepted = 0;
    fc.assert(
      fc.property(lines, tape, (bought, steps) => {
        const world = run(bought, steps);
        const returns = [...world.returns.values()];
        for (const [n, [quantity, amount]] of bought.entries()) {
          const sku = `S${n}`;
          const taken = returns.flatMap((it) => it.received ?? []).filter((it) => it.sku === sku);
          assert.ok(sum(taken.map((it) => it.accepted)) <= quantity, `${sku}: units`);
          assert.ok(sum(taken.map((it) => it.amount)) <= amount, `${sku}: money`);
          const back = world.restocked.filter((it) => it.sku === sku).map((it) => it.quantity);
          const wanted = taken.filter((it) => it.restock).map((it) => it.accepted);
          assert.equal(sum(back), sum(wanted), `${sku}: restocked once`);
          const waiting = returns
            .filter((it) => it.status === "requested" || it.status === "approved")
            .flatMap((it) => it.lines.filter((one) => one.sku === sku));
          const gone = sum(taken.map((it) => it.accepted)) + sum(waiting.map((it) => it.quantity));
          assert.equal(returnable(world.order, sku).quantity, quantity - gone, `${sku}: what is left`);
          accepted += sum(taken.map((it) => it.accepted));
        }
        for (const [id, it] of world.returns)
          assert.equal(world.order.returns?.[id]?.status, it.status, "the order knows how far it is");
        assert.equal(sum(returns.map(paidBack)), sum(world.refunds.values()), "refunded as the returns say");
      }),
      { numRuns: 400 },
    );
    assert.ok(accepted > 0, "some units were accepted");
  });

  it("give back exactly what was paid, when all units have come back one by one", () => {
    fc.assert(
      fc.property(lines, fc.infiniteStream(fc.nat({ max: 5 })), (bought, sizes) => {
        const world = new World(bought);
        let n = 0x5000;
        for (const { sku } of world.order.lines)
          for (let left = returnable(world.order, sku).quantity; left > 0; ) {
            const quantity = Math.min(left, 1 + (sizes.next().value ?? 0));
            const id = uuid(n++);
            assert.ok(world.request(id, [{ sku, quantity }]));
            while (world.pool.length > 0) world.deliver(0, false);
            world.inline(id, "return.approve", { by: PERSON, expiresAt: new Date(START).toISOString() });
            const accepted = Math.max(1, quantity - (sizes.next().value ?? 0));
            world.inline(id, "return.receive", {
              by: PERSON,
              lines: [{ sku, accepted }],
              refund: null,
              reason: null,
            });
            while (world.pool.length > 0) world.deliver(0, false);
            left = returnable(world.order, sku).quantity;
          }
        const back = sum(
          [...world.returns.values()].flatMap((it) => it.received ?? []).map((it) => it.amount),
        );
        assert.equal(back, world.order.total.amount);
      }),
      { numRuns: 200 },
    );
  });
});
