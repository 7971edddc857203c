/** Who listens to events now. It is asked for each event of the shop, so it is kept for some seconds. */
import type { Connection, Model } from "mongoose";
import type { ActorDocument } from "../../../broker/actor/runtime/document/actor-host.types.ts";
import type { Clock } from "../../../broker/resilience/clock.ts";
import { sharedValue } from "../../../broker/resilience/single-flight.ts";
import type { EndpointState } from "./endpoint.actor.ts";
import { matcherOf } from "./event-patterns.ts";

export const STREAM = "stream";
/** A change is told to all nodes. This holds where that was lost. */
const KEPT_MS = 5_000;
/** So long after the last reader of the stream its events are still kept. */
const STREAM_MS = 600_000;

export interface ListeningEndpoint {
  readonly id: string;
  readonly url: string;
  readonly failing: boolean;
  wants(type: string): boolean;
}

export interface Listening {
  readonly endpoints: readonly ListeningEndpoint[];
  /** Whether somebody follows `GET /events`, or did a short time ago. */
  readonly streaming: boolean;
}

export interface Listeners {
  get(): Promise<Listening>;
  /** They have changed. */
  changed(): void;
  /** Somebody follows `GET /events`. @returns whether nobody did before */
  follow(): Promise<boolean>;
}

export function createListeners(
  endpoints: Model<ActorDocument<EndpointState>>,
  database: Connection,
  clock: Clock,
): Listeners {
  const stream = database.collection<{ _id: string; until: Date }>(STREAM);
  let followedUntil = 0;

  async function load(): Promise<Listening> {
    const [found, followed] = await Promise.all([
      endpoints.find({ "state.status": "enabled" }, { state: 1 }).lean(),
      stream.findOne({ _id: STREAM }),
    ]);
    return {
      endpoints: found.map(({ _id: id, state: { url, failingSince, types } }) => ({
        id,
        url,
        failing: failingSince !== null,
        wants: matcherOf(types),
      })),
      streaming: (followed?.until.getTime() ?? 0) > clock.now(),
    };
  }

  const kept = sharedValue(load, { clock, keepMs: () => KEPT_MS });
  return {
    get: kept.get,
    changed: () => kept.forget(() => true),
    async follow() {
      const now = clock.now();
      if (followedUntil > now + STREAM_MS / 2) return false;
      const until = now + STREAM_MS;
      await stream.updateOne({ _id: STREAM }, { $set: { until: new Date(until) } }, { upsert: true });
      const first = followedUntil <= now;
      followedUntil = until;
      return first;
    },
  };
}
