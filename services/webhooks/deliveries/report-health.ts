/** Tells an endpoint's actor how the endpoint answers, at most once a minute while it stays the same. */
import type { ActorHost } from "../../../broker/actor/runtime/document/actor-host.types.ts";
import type { Clock } from "../../../broker/resilience/clock.ts";
import type { EndpointMessage, EndpointState } from "../endpoints/endpoint.actor.ts";
import type { ListeningEndpoint } from "../endpoints/listeners.ts";
import type { Outcome } from "./endpoint-sender.ts";

const EVERY_MS = 60_000;

export function createReports(
  endpoints: ActorHost<EndpointState, EndpointMessage>,
  clock: Clock,
  disableAfterMs: number,
  changed: () => void,
): (endpoint: ListeningEndpoint, outcome: Outcome) => Promise<void> {
  const reported = new Map<string, number>();
  return async ({ id, failing }, outcome) => {
    const now = clock.now();
    if (outcome === "failing" && failing && now - (reported.get(id) ?? 0) < EVERY_MS) return;
    reported.set(id, now);
    if (outcome !== "failing") reported.delete(id);
    const { state } = await endpoints.apply(id, "webhook_endpoint.report", { outcome, disableAfterMs });
    if (state.status !== "enabled" || (state.failingSince !== null) !== failing) changed();
  };
}
