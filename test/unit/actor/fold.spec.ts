import assert from "node:assert/strict";
import fc from "fast-check";
import { send } from "../../../broker/actor/define-actor.ts";
import type { LoadedActor } from "../../../broker/actor/runtime/document/actor-host.types.ts";
import { type FoldOptions, fold, type Incoming } from "../../../broker/actor/runtime/document/fold.ts";
import type { DataIn } from "../../../broker/contract/contract.ts";
import { type Envelope, envelope } from "../../../broker/contract/envelope.ts";
import { derivedId } from "../../../broker/contract/ids.ts";
import { illTyped } from "../../support/stand-in.ts";
import {
  type OrderMessages,
  type OrderState,
  type StockMessages,
  type StockState,
  toyOrder,
  toyStock,
} from "./support/toy.ts";

const NOW = Date.UTC(2030, 0, 1);

const common = { at: NOW, by: "node:1", commit: "c1", strict: true };
const answerId = (message: Envelope, index: number) => derivedId(message.id, index);

const onStock = (id = "sku"): FoldOptions<StockState, StockMessages> => {
  let n = 0;
  return { ...common, definition: toyStock, id, answerId, newId: () => derivedId("new", n++) };
};
const onOrder = (id = "order"): FoldOptions<OrderState, OrderMessages> => ({
  ...common,
  definition: toyOrder,
  id,
  answerId,
});

function incoming<T extends OrderMessages | StockMessages>(
  type: T,
  data: DataIn<T>,
  from: Partial<Envelope> = {},
  subject = "sku",
): Incoming {
  return { message: { ...envelope(type, subject, data, { source: "/toy", at: NOW }), ...from } };
}

const create = (onHand: number) => incoming("toy.create", { onHand }, { id: derivedId("create") });
const reserve = (orderId: string, quantity = 1, from: Partial<Envelope> = {}) =>
  incoming("toy.reserve", { orderId, quantity }, from);
const adjust = (delta: number, from: Partial<Envelope> = {}) => incoming("toy.adjust", { delta }, from);
const poison = () => incoming("toy.poison", { why: "bad" });

function stocked(onHand = 10): LoadedActor<StockState> {
  const { next } = fold(null, [create(onHand)], onStock());
  assert.ok(next);
  return next;
}

const stockMessage = fc.oneof(
  fc
    .record({ orderId: fc.constantFrom("o1", "o2", "o3"), quantity: fc.integer({ min: 1, max: 4 }) })
    .map((it) => reserve(it.orderId, it.quantity)),
  fc
    .record({ orderId: fc.constantFrom("o1", "o2", "o3"), generation: fc.integer({ min: 1, max: 4 }) })
    .map((it) => incoming("toy.commit", it)),
  fc
    .record({ orderId: fc.constantFrom("o1", "o2", "o3"), generation: fc.integer({ min: 1, max: 4 }) })
    .map((it) => incoming("toy.release", it)),
  fc
    .record({ delta: fc.integer({ min: -3, max: 3 }), sequence: fc.integer({ min: 1, max: 5 }) })
    .map((it) => adjust(it.delta, { sender: "x/1", sequence: it.sequence })),
);

/** All but version and commit, which count commits. */
const effect = (document: LoadedActor<StockState> | null) =>
  document && {
    state: document.state,
    inbox: document.inbox.toJSON(),
    sent: document.sent,
    messages: document.outbox.map(({ message }) => ({ ...message, id: "", correlationid: "" })),
  };

describe("Folding a batch", () => {
  it("comes to the same as handling its messages one after the other", () => {
    fc.assert(
      fc.property(fc.array(stockMessage, { maxLength: 20 }), (batch) => {
        const together = fold(stocked(), batch, onStock());
        let alone: LoadedActor<StockState> | null = stocked();
        for (const it of batch) alone = fold(alone, [it], onStock()).next;
        assert.deepEqual(effect(together.next), effect(alone));
      }),
    );
  });

  it("leaves a message out whose receive throws, as if it had not come", () => {
    fc.assert(
      fc.property(
        fc.array(stockMessage, { maxLength: 12 }),
        fc.array(fc.nat({ max: 12 }), { minLength: 1 }),
        (batch, at) => {
          const poisoned = [...batch];
          for (const position of at) poisoned.splice(position, 0, poison());
          const clean = fold(stocked(), batch, onStock());
          const mixed = fold(stocked(), poisoned, onStock());
          assert.deepEqual(effect(mixed.next), effect(clean.next));
          assert.equal(mixed.outcomes.filter((it) => it.kind === "failed").length, at.length);
          assert.deepEqual(
            mixed.outcomes.filter((it) => it.kind !== "failed").map((it) => it.kind),
            clean.outcomes.map((it) => it.kind),
          );
        },
      ),
    );
  });

  it("gives the same document back when nothing has changed", () => {
    const document = stocked(0);
    const { next, outcomes } = fold(
      document,
      [incoming("toy.release", { orderId: "o", generation: 3 })],
      onStock(),
    );
    assert.equal(next, document);
    assert.deepEqual(outcomes, [{ kind: "unchanged" }]);
  });

  it("takes stock once for a late reserve and a late commit that both come twice", () => {
    const late = [reserve("o1"), incoming("toy.commit", { orderId: "o1", generation: 1 })];
    const { next } = fold(stocked(5), [...late, ...late], onStock());
    assert.equal(next?.state.onHand, 4);
    assert.deepEqual(Object.keys(next?.state.holds ?? {}), ["o1"], "the second reserve is a new hold");
    assert.equal(next?.state.holds.o1?.generation, 2, "of another generation, which the order gives back");
  });

  it("answers a reply of a generation that the order has not recorded with a release of that one only", () => {
    const placed = fold(null, [incoming("toy.place", { lines: { sku: 1 } }, {}, "order")], onOrder()).next;
    const reply = (generation: number, sequence: number) =>
      incoming("toy.reserved", { sku: "sku", generation }, { sender: "toystock/sku", sequence }, "order");
    const first = fold(placed, [reply(1, 1)], onOrder()).next;
    const again = fold(first, [reply(1, 1)], onOrder());
    assert.equal(again.next, first, "redelivered: not an unknown one");
    assert.equal(fold(first, [reply(1, 2)], onOrder()).next?.outbox.at(-1)?.message.type, "toy.pay");
    const unknown = fold(first, [reply(2, 3)], onOrder()).next?.outbox.at(-1)?.message;
    assert.equal(unknown?.type, "toy.release");
    assert.deepEqual(unknown?.data, { orderId: "order", generation: 2 });
  });

  it("counts the messages of an actor and passes cause, correlation and trace on", () => {
    const from = { correlationid: "story", traceparent: "00-1-2-01" };
    const message = incoming("toy.place", { lines: { a: 1, b: 2 } }, from, "order");
    const { next } = fold(null, [message], onOrder());
    const sent = next?.outbox.map((it) => it.message) ?? [];
    assert.deepEqual(
      sent.map((it) => it.sequence),
      [1, 2],
    );
    assert.equal(next?.sent, 2);
    for (const it of sent) {
      assert.equal(it.sender, "toyorder/order");
      assert.equal(it.correlationid, "story");
      assert.equal(it.causationid, message.message.id);
      assert.equal(it.traceparent, "00-1-2-01");
      assert.match(it.id, /^[0-9a-f]{8}-[0-9a-f]{4}-7/);
    }
    assert.deepEqual(
      next?.outbox.map((it) => it.id),
      sent.map((it) => it.id),
    );
  });

  it("sends nothing that does not fit its contract", () => {
    const wrong = {
      ...toyStock,
      receive: () => ({
        state: { onHand: 1, generation: 0, holds: {} },
        send: [send("toy.reserved", "o", illTyped({ sku: 7 }))],
      }),
    };
    const { next, outcomes } = fold(null, [create(1)], { ...onStock(), definition: wrong });
    assert.equal(next, null);
    assert.equal(outcomes[0]?.kind, "failed");
  });

  it("notices a receive that changes the state it was given, and a state that does not fit its schema", () => {
    const document = fold(stocked(), [reserve("o1")], onStock()).next;
    const mutating = {
      ...toyStock,
      receive: (state: StockState) => ({ state: Object.assign(state, { onHand: 1 }) }),
    };
    const negative = { ...toyStock, receive: (state: StockState) => ({ state: { ...state, onHand: -1 } }) };
    for (const definition of [mutating, negative])
      assert.equal(fold(document, [adjust(1)], { ...onStock(), definition }).outcomes[0]?.kind, "failed");
  });

  it("tells a refusal and keeps nothing of it, so that it may be asked again", () => {
    const document = stocked(1);
    const { next, outcomes } = fold(document, [adjust(-5)], onStock());
    assert.equal(next, document);
    assert.equal(outcomes[0]?.kind === "refused" && outcomes[0].refusal.code, "INSUFFICIENT_STOCK");
  });

  it("answers without an actor under ids derived from the message", () => {
    const message = reserve("o1");
    const [first, second] = [fold(null, [message], onStock()), fold(null, [message], onStock())];
    assert.equal(first.next, null);
    const answers = first.outcomes[0]?.kind === "absent" ? first.outcomes[0].answers : [];
    assert.deepEqual(
      answers?.map((it) => it.type),
      ["toy.rejected"],
    );
    assert.equal(answers?.[0]?.sender, undefined);
    assert.deepEqual(
      second.outcomes[0]?.kind === "absent" && second.outcomes[0].answers.map((it) => it.id),
      answers?.map((it) => it.id),
    );
  });

  it("tells a message that came before its actor so, though the actor is made by the next of its batch", () => {
    const { next, outcomes } = fold(null, [adjust(1), create(5), adjust(2)], onStock());
    assert.deepEqual(outcomes, [{ kind: "absent", answers: [] }, { kind: "applied" }, { kind: "applied" }]);
    assert.equal(next?.state.onHand, 7);
  });

  it("sets a timer, fires it once and only while the actor has it", () => {
    const placed = fold(
      null,
      [incoming("toy.place", { lines: { a: 1 }, ttlMs: 500 }, {}, "order")],
      onOrder(),
    ).next;
    assert.deepEqual(
      placed?.timers.map((it) => [it.id, it.due.getTime(), it.type]),
      [["expire", NOW + 500, "toy.expire"]],
    );
    const expire = { ...incoming("toy.expire", {}, {}, "order"), timer: { id: "expire", due: NOW + 500 } };
    const moved = { ...expire, timer: { id: "expire", due: NOW + 400 } };
    assert.equal(fold(placed, [moved], onOrder()).outcomes[0]?.kind, "repeated");
    const fired = fold(placed, [expire, expire], onOrder());
    assert.deepEqual(
      fired.outcomes.map((it) => it.kind),
      ["applied", "repeated"],
    );
    assert.equal(fired.next?.state.status, "expired");
    assert.deepEqual(fired.next?.timers, []);
  });

  it("keeps the timer of a message that throws", () => {
    const placed = fold(
      null,
      [incoming("toy.place", { lines: { a: 1 }, ttlMs: 500 }, {}, "order")],
      onOrder(),
    ).next;
    const throwing = { ...toyOrder, receive: () => assert.fail("broken") };
    const expire = { ...incoming("toy.expire", {}, {}, "order"), timer: { id: "expire", due: NOW + 500 } };
    const { next, outcomes } = fold(placed, [expire], { ...onOrder(), definition: throwing });
    assert.equal(next, placed);
    assert.equal(outcomes[0]?.kind, "failed");
  });
});
