/** One webhook endpoint: its settings, and whether it gets events. What it gets is in deliveries/. */
import { z } from "zod";
import { type Decision, defineActor, send } from "../../../broker/actor/define-actor.ts";
import { defineMachine, type Ignored } from "../../../broker/actor/state-machine.ts";
import type { ReceivedBy } from "../../../broker/contract/contract.ts";
import type { Message } from "../../../broker/contract/envelope.ts";
import { time } from "../../../broker/contract/schemas.ts";
import { webhooks } from "../webhooks.contract.ts";
import { type DisabledReason, disabledReason, endpointStatus } from "../webhooks.schemas.ts";

export const endpointState = z.strictObject({
  status: endpointStatus,
  url: z.string().max(2_000),
  description: z.string().nullable(),
  types: z.array(z.string()),
  disabledReason: disabledReason.nullable(),
  /** When the first request failed after the last one that worked. */
  failingSince: time.nullable(),
  createdAt: time,
});
export type EndpointState = z.output<typeof endpointState>;
export type EndpointMessage = ReceivedBy<typeof webhooks, "endpoint">;

type Decided = Decision<EndpointState>;

const ignore = (reason: string): Ignored => ({ ignore: reason });

function create(_: null, { data, time }: Message<"webhook_endpoint.create">): Decided {
  return {
    state: { ...data, status: "enabled", disabledReason: null, failingSince: null, createdAt: time },
  };
}

function disabled(state: EndpointState, id: string, reason: DisabledReason): Decided {
  const { url, description, failingSince } = state;
  const { host } = new URL(url);
  return {
    state: { ...state, status: "disabled", disabledReason: reason },
    send: [send("webhook_endpoint.disabled", id, { host, description, reason, failingSince })],
  };
}

/** A new start: an endpoint that is enabled, or has another address, has not failed yet. */
const afresh = (state: EndpointState): EndpointState => ({
  ...state,
  status: "enabled",
  disabledReason: null,
  failingSince: null,
});

function update(
  state: EndpointState,
  { subject, data: { enabled, ...settings } }: Message<"webhook_endpoint.update">,
): Decided {
  const changed = { ...state, ...settings };
  const moved = changed.url !== state.url;
  if (enabled === false && state.status === "enabled") return disabled(changed, subject, "staff");
  if (state.status === "enabled") return { state: moved ? afresh(changed) : changed };
  return { state: enabled ? afresh(changed) : changed };
}

function report(
  state: EndpointState,
  { subject, data: { outcome, disableAfterMs }, time }: Message<"webhook_endpoint.report">,
): Decided {
  if (outcome === "gone") return disabled(state, subject, "gone");
  if (outcome === "working")
    return { state: state.failingSince === null ? state : { ...state, failingSince: null } };
  if (state.failingSince === null) return { state: { ...state, failingSince: time } };
  const failedFor = Date.parse(time) - Date.parse(state.failingSince);
  return failedFor < disableAfterMs ? { state } : disabled(state, subject, "failing");
}

/** Its address and what it was for are forgotten. */
const forget = (state: EndpointState): Decided => ({
  state: { ...state, status: "deleted", url: "", description: null, types: [] },
});

export const machine = defineMachine<EndpointState, EndpointMessage>({
  name: "endpoint",
  final: ["deleted"],
  table: {
    none: {
      "webhook_endpoint.create": { to: ["enabled"], decide: create },
      "webhook_endpoint.update": ignore("there is no such endpoint"),
      "webhook_endpoint.delete": ignore("there is no such endpoint"),
      "webhook_endpoint.report": ignore("there is no such endpoint"),
    },
    enabled: {
      "webhook_endpoint.create": ignore("created already"),
      "webhook_endpoint.update": { to: ["enabled", "disabled"], decide: update },
      "webhook_endpoint.delete": { to: ["deleted"], decide: forget },
      "webhook_endpoint.report": { to: ["enabled", "disabled"], decide: report },
    },
    disabled: {
      "webhook_endpoint.create": ignore("created already"),
      "webhook_endpoint.update": { to: ["enabled", "disabled"], decide: update },
      "webhook_endpoint.delete": { to: ["deleted"], decide: forget },
      "webhook_endpoint.report": ignore("of a request that was under way when it was disabled"),
    },
    deleted: {
      "webhook_endpoint.create": ignore("deleted"),
      "webhook_endpoint.update": ignore("deleted"),
      "webhook_endpoint.delete": ignore("deleted already"),
      "webhook_endpoint.report": ignore("of a request that was under way when it was deleted"),
    },
  },
});

export const endpointActor = defineActor(webhooks, "endpoint", {
  idempotentByKey: ["webhook_endpoint.create"],
  startedBy: ["webhook_endpoint.create"],
  state: endpointState,
  receive: machine.receive,
});
