/** The endpoint's table, by what happens to it in any order. */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { DataIn } from "../../../broker/contract/contract.ts";
import { envelopeOf, type Message } from "../../../broker/contract/envelope.ts";
import {
  type EndpointMessage,
  type EndpointState,
  endpointActor,
  endpointState,
} from "../../../services/webhooks/endpoints/endpoint.actor.ts";

const ID = "019b76da-a800-7000-8000-000000000001";
const DAY = 86_400_000;
const disableAfterMs = 5 * DAY;

type Step = { [T in EndpointMessage]: { type: T; data: DataIn<T> } }[EndpointMessage];

const report = (outcome: "working" | "failing" | "gone"): Step => ({
  type: "webhook_endpoint.report",
  data: { outcome, disableAfterMs },
});
const create: Step = {
  type: "webhook_endpoint.create",
  data: { url: "https://example.com/souk", description: null, types: ["order.*"] },
};
const update = (data: DataIn<"webhook_endpoint.update">): Step => ({ type: "webhook_endpoint.update", data });

/** Steps a day apart. @returns each state, and the types of what was sent */
function run(steps: readonly Step[]) {
  let state: EndpointState | null = null;
  const states: (EndpointState | null)[] = [];
  const sent: { type: string; data: unknown }[] = [];
  for (const [n, { type, data }] of steps.entries()) {
    const content = { type, subject: ID, data };
    const message = envelopeOf(content, { source: "/webhooks", at: n * DAY }) as Message<EndpointMessage>;
    const decision = endpointActor.receive(state, message);
    if (decision.state) endpointState.parse(decision.state);
    state = decision.state;
    states.push(state);
    sent.push(...(decision.send ?? []));
  }
  return { state: state as EndpointState | null, states, sent };
}

describe("A webhook endpoint", () => {
  it("is disabled when it has failed for five days, with one event that says so", () => {
    const failing = Array.from({ length: 8 }, () => report("failing"));
    const { state, sent } = run([create, ...failing]);
    assert.equal(state?.disabledReason, "failing");
    assert.deepEqual(sent, [
      {
        type: "webhook_endpoint.disabled",
        subject: ID,
        data: {
          host: "example.com",
          description: null,
          reason: "failing",
          failingSince: new Date(DAY).toISOString(),
        },
      },
    ]);
  });

  it("is not disabled where something works in between", () => {
    const some = [report("failing"), report("failing"), report("failing"), report("working")];
    const { state, sent } = run([create, ...some, ...some, ...some]);
    assert.deepEqual([state?.status, state?.failingSince, sent], ["enabled", null, []]);
  });

  it("begins anew with another address, or when it is enabled", () => {
    const moved = run([create, report("failing"), update({ url: "https://example.org/" })]);
    assert.equal(moved.state?.failingSince, null);
    const again = run([create, report("gone"), update({ enabled: true })]);
    assert.deepEqual([again.state?.status, again.state?.disabledReason], ["enabled", null]);
  });

  it("tells of each end of being enabled once, and forgets what it was when it is deleted", () => {
    const step = fc.constantFrom<Step>(
      create,
      report("working"),
      report("failing"),
      report("gone"),
      update({ enabled: false }),
      update({ enabled: true }),
      update({ types: ["stock.*"] }),
      { type: "webhook_endpoint.delete", data: {} },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const { states, sent } = run([create, ...steps]);
        const ends = states.filter(
          (it, n) => it?.status === "disabled" && states[n - 1]?.status === "enabled",
        );
        assert.equal(sent.length, ends.length);
        const deleted = states.findIndex((it) => it?.status === "deleted");
        if (deleted >= 0)
          for (const it of states.slice(deleted)) assert.deepEqual([it?.status, it?.url], ["deleted", ""]);
        for (const it of states)
          assert.equal(it?.status === "disabled", it?.disabledReason !== null && it?.status !== "deleted");
      }),
    );
  });
});
