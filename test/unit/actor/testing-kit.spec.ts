/** The test kit for actors itself: it finds each fault that it should find. */
import assert from "node:assert/strict";
import { z } from "zod";
import { type ActorDefinition, type Decision, send } from "../../../broker/actor/define-actor.ts";
import { ACTOR_ID, given } from "../../../broker/actor/testing/given.ts";
import type { Step } from "../../../broker/actor/testing/steps.ts";
import type { Message } from "../../../broker/contract/envelope.ts";
import "./support/toy.ts";
import { illTyped } from "../../support/stand-in.ts";

interface Count {
  total: number;
  by: Record<string, number>;
}
type CountMessage = "toy.create" | "toy.adjust";
type Receive = ActorDefinition<Count, CountMessage>["receive"];

const counting = (receive: Receive): ActorDefinition<Count, CountMessage> => ({
  type: "count",
  service: "toy",
  mailbox: ["toy.create", "toy.adjust"],
  receives: ["toy.create", "toy.adjust"],
  partitions: 1,
  collection: "count",
  idempotentByKey: [],
  maps: ["by"],
  state: z.strictObject({ total: z.int().min(0), by: z.record(z.string(), z.int()) }),
  receive,
});

const start: Count = { total: 1, by: {} };
const adjust: Step<CountMessage> = ["toy.adjust", { delta: 1 }];
const told = (data: unknown) => send("toy.adjust", "s", illTyped(data));

/** What the kit says of an actor that decides so. */
const faultOf = (receive: Receive, step: Step<CountMessage> = adjust): string => {
  try {
    given(counting(receive), start).when(step);
  } catch (error) {
    return (error as Error).message;
  }
  return "none";
};
const always =
  (decision: Partial<Decision<Count>>): Receive =>
  (state) => ({ state, ...decision });

describe("given, when, then for actors", () => {
  it("lets pass what is sound", () => {
    assert.equal(
      faultOf((state) => ({ state: state && { ...state, total: state.total + 1 } })),
      "none",
    );
  });

  it("finds a decision by the clock, by dice or by what was decided before", () => {
    let calls = 0;
    for (const total of [() => Date.now(), () => new Date().getDate(), () => calls++])
      assert.match(
        faultOf(() => ({ state: { total: total(), by: {} } })),
        /more than state and message/,
      );
    assert.match(
      faultOf((state) => ({ state, send: [told({ delta: Math.floor(Math.random() * 1e9) })] })),
      /more than state and message/,
    );
    assert.equal(new Date().getFullYear(), new Date(Date.now()).getFullYear());
  });

  it("finds a state or a message that is changed in place", () => {
    assert.match(
      faultOf((state) => {
        if (state) state.by.a = 1;
        return { state };
      }),
      /not extensible/,
    );
    assert.match(
      faultOf((state, message: Message<CountMessage>) => {
        Object.assign(message.data, { delta: 2 });
        return { state };
      }),
      /read only/,
    );
  });

  it("finds a state that does not fit its schema, or can't be stored", () => {
    assert.match(faultOf(always({ state: { total: -1, by: {} } })), /does not fit its schema/);
    assert.match(faultOf(always({ state: { ...start, more: 1 } as Count })), /does not fit its schema/);
    assert.match(faultOf(always({ state: { total: 1, by: { "a.b": 1 } } })), /a key of by can't be stored/);
    assert.match(faultOf(always({ state: null })), /would delete the actor/);
    assert.throws(() => given(counting(always({})), { total: -1, by: {} }), /does not fit its schema/);
  });

  it("finds messages and timers that do not fit their contracts", () => {
    assert.match(
      faultOf(always({ send: [told({ delta: "many" })] })),
      /sends a toy.adjust that does not fit/,
    );
    assert.match(
      faultOf(always({ send: [illTyped({ ...told({ delta: 1 }), type: "toy.none" })] })),
      /toy.none/,
    );
    const timer = (type: string, data: object) =>
      always({ timers: [{ set: "t", message: illTyped({ type, data }), due: 1 }] });
    assert.match(faultOf(timer("toy.cancel", {})), /which the actor does not receive/);
    assert.match(faultOf(timer("toy.adjust", {})), /delta/);
  });

  it("finds a refusal that changes something, and a message that is not received", () => {
    const refusal = { code: "CONFLICT", detail: "no" } as const;
    assert.match(faultOf(always({ state: { ...start, total: 2 }, refusal })), /refused, yet changes/);
    assert.match(faultOf(always({}), illTyped(["toy.cancel", {}])), /not among what it receives/);
    assert.throws(() => given(counting(always({ refusal })), [adjust]), /a given message was refused/);
  });

  const counter = counting((state, { type, subject, data }) => {
    const { total = 0, by = {} } = state ?? {};
    if (type === "toy.create") return { state: { total: 0, by } };
    if (data.delta < 0) return { state, refusal: { code: "CONFLICT", detail: "never down" } };
    if (data.delta === 0) return { state };
    return {
      state: { total: total + data.delta, by },
      send: [send("toy.adjust", subject, { delta: data.delta })],
      timers: [{ cancel: "t" }],
    };
  });

  it("compares what the test looks at, and no less", () => {
    const outcome = given(counter, start).when(adjust);
    outcome.then({ state: { total: 2 }, sends: ["toy.adjust"], timers: [{ cancel: "t" }] });
    outcome.then({ sends: [["toy.adjust", ACTOR_ID]] });
    outcome.then({ sends: [["toy.adjust", ACTOR_ID, { delta: 1 }]] });
    for (const wrong of [
      { state: { total: 3 } },
      { state: "unchanged" },
      { state: null },
      { sends: [] },
      { sends: ["toy.adjust", "toy.adjust"] },
      { sends: [["toy.adjust", "other"]] },
      { sends: [["toy.adjust", ACTOR_ID, { delta: 2 }]] },
      { timers: [] },
      { refusal: "CONFLICT" },
    ] as const)
      assert.throws(() => outcome.then(wrong), assert.AssertionError, JSON.stringify(wrong));
    assert.throws(() => outcome.thenNothing(), assert.AssertionError);
    assert.throws(
      () =>
        given(counter, start)
          .when(["toy.adjust", { delta: -1 }])
          .then({}),
      /refusal/,
    );
  });

  it("goes on from where it came", () => {
    given(counter)
      .when(adjust, adjust)
      .then({ state: { total: 2 }, sends: ["toy.adjust", "toy.adjust"] })
      .when(["toy.adjust", { delta: 0 }])
      .thenNothing()
      .when(["toy.adjust", { delta: -1 }])
      .then({ refusal: "CONFLICT" });
  });

  it("hands over a step that comes twice as one message that comes twice", () => {
    const ids: string[] = [];
    const noting = counting((state, message) => {
      ids.push(message.id);
      return { state };
    });
    given(noting, start).when(adjust, adjust, ["toy.adjust", { delta: 1 }]);
    assert.equal(new Set(ids).size, 2);
  });

  it("says what is wrong to whoever awaits it", async () => {
    await assert.rejects(
      async () => await illTyped(given(counter, start).when(adjust)),
      /no promise to await/,
    );
  });

  it("checks what the test calls an invariant", () => {
    const invariant = ({ total }: Count) => assert.ok(total < 3, "too many");
    assert.throws(() => given(counter, start, { invariant }).when(adjust, adjust), /too many/);
  });
});
