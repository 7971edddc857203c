/**
 * Inline messages between nodes. Each host offers an internal action that applies a message on its node. Its entry in
 * the registry also says that the node consumes the actor's mailboxes.
 */

import type { Context, Service, ServiceBroker } from "moleculer";
import { BSON } from "mongodb";
import type { z } from "zod";
import { checkEnvelope, type Envelope } from "../../../contract/envelope.ts";
import type { ErrorCode } from "../../../contract/errors.ts";
import { knownPart } from "../../../contract/tolerant.ts";
import type { Refusal } from "../../define-actor.ts";
import type { Snapshot } from "../document/actor-host.types.ts";
import type { ConsumerNode } from "./partition-owner.ts";

/** The result of applying a message. Errors other than decisions are sent as errors. */
export type Applied<S> =
  | { kind: "applied"; snapshot: Snapshot<S> }
  | { kind: "refused"; refusal: Refusal }
  | { kind: "absent" };

/** Wire format. EJSON keeps dates and other BSON types of the state. */
type Wire =
  | { kind: "applied"; snapshot: string }
  | { kind: "refused"; code: ErrorCode; detail: string }
  | { kind: "absent" };

const serviceName = (actor: string): string => `$actor.${actor}`;

/** Registers the internal service. The gateway does not know it, because no contract declares it. */
export function offerRemote<S extends object>(
  broker: ServiceBroker,
  actor: string,
  apply: (message: Envelope) => Promise<Applied<S>>,
  onRegistryChange: () => void,
  places: readonly string[],
): Service {
  return broker.createService({
    name: serviceName(actor),
    metadata: { places: [...places] },
    actions: {
      apply: {
        visibility: "public",
        handler: async (ctx: Context<{ message: unknown }>): Promise<Wire> => {
          const applied = await apply(checkEnvelope(ctx.params.message));
          if (applied.kind === "applied")
            return { kind: "applied", snapshot: BSON.EJSON.stringify(applied.snapshot, { relaxed: true }) };
          return applied.kind === "refused" ? { kind: "refused", ...applied.refusal } : applied;
        },
      },
    },
    events: { "$services.changed": onRegistryChange, "$node.disconnected": onRegistryChange },
  });
}

/**
 * Applies the message on another node. @throws any error of the call; whether the message was applied is then unknown
 */
export async function applyAt<S extends object>(
  { broker, type, state }: { broker: ServiceBroker; type: string; state: z.ZodType<S> },
  node: string,
  message: Envelope,
  timeout: number,
): Promise<Applied<S>> {
  const options = { nodeID: node, timeout, retries: 0 };
  const wire = await broker.call<Wire, { message: Envelope }>(
    `${serviceName(type)}.apply`,
    { message },
    options,
  );
  if (wire.kind === "applied") {
    const snapshot = BSON.EJSON.parse(wire.snapshot, { relaxed: true }) as Snapshot<S>;
    return { kind: "applied", snapshot: { ...snapshot, state: knownPart(state, snapshot.state) } };
  }
  if (wire.kind === "refused") return { kind: "refused", refusal: { code: wire.code, detail: wire.detail } };
  return wire;
}

/** Publishes this node's places in the lines of consumers to the other nodes, through the registry. */
export function announcePlaces(broker: ServiceBroker, service: Service, places: readonly string[]): void {
  // The registry has the same object. Moleculer itself rebuilds its announcement in this way.
  service.metadata.places = [...places];
  Object.assign(broker.registry, { localNodeInfoInvalidated: "seq" });
  broker.servicesChanged(true);
}

/** Live nodes that consume the actor's mailboxes. */
export function nodesOf(broker: ServiceBroker, actor: string): ConsumerNode[] {
  const name = serviceName(actor);
  return broker.registry
    .getServiceList({ onlyAvailable: true })
    .filter((it) => it.name === name)
    .flatMap(({ nodeID, metadata }) => (nodeID ? [{ id: nodeID, places: placesIn(metadata) }] : []));
}

const placesIn = (metadata: unknown): string[] | undefined =>
  (metadata as { places?: string[] } | undefined)?.places;
