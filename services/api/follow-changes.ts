/** Event streams: a thing after each of its changes, until it has ended, the client leaves or its token expires. */
import { setTimeout as sleep } from "node:timers/promises";
import type { CallingOptions } from "moleculer";
import type { CallMeta } from "../../broker/contract/call-meta.ts";
import { type StreamContract, serviceOf } from "../../broker/contract/contract.ts";
import { redactedReason } from "../../broker/contract/secrets/redact.ts";
import type { EventStream } from "../../broker/http/event-stream.ts";
import type { Log } from "../../broker/resilience/log.ts";
import { rateLimitedLog } from "../../broker/resilience/rate-limited-log.ts";

/** Short, because a stopping node waits for running calls. */
const WAIT_MS = 5_000;
const MAX_FAILURES = 5;

export interface StreamRequest {
  /** Full name of the action that has the route, e.g. `orders.events`. */
  action: string;
  contract: StreamContract;
  params: Record<string, unknown>;
  meta: CallMeta;
  lastEventId: string | undefined;
  call(action: string, params: object, options: CallingOptions): Promise<unknown>;
  /** Starts the reply. A failure before that is an ordinary problem document. */
  open(): EventStream;
  log: Log;
}

/** Rejects before the stream is open (not found, not the caller's). A later failure ends the stream. */
export async function followChanges({
  action,
  contract: { next, event, ends, fromNow = false },
  params,
  meta,
  lastEventId,
  call,
  open,
  log,
}: StreamRequest): Promise<void> {
  // The owning service checks the id and the ownership.
  const found = await call(action, params, { meta: { ...meta } });
  if (!isVersioned(found))
    throw new Error(`${action} gives nothing with a version, so there is nothing to follow`);
  const waitsFor = `${serviceOf(action)}.${next}`;
  const stream = open();
  let after = lastVersion(lastEventId) ?? (fromNow ? found.version : 0);
  let failures = 0;
  while (!stream.closed.aborted) {
    try {
      const thing = await call(
        waitsFor,
        { ...params, after, waitMs: WAIT_MS },
        // Not tracked, so that a stop of this node does not wait for it.
        { meta: { ...meta }, timeout: WAIT_MS + 5_000, tracking: false },
      );
      failures = 0;
      if (!isVersioned(thing)) continue;
      after = thing.version;
      await stream.send({ event, id: String(after), data: thing });
      if (ends?.(thing)) break;
    } catch (error) {
      // The service may be moving from one node to another. The client would reconnect at once anyway.
      failures++;
      if (failures > MAX_FAILURES) {
        rateLimitedLog(log).warn("stream", "an event stream ends early", {
          action,
          id: params.id,
          reason: redactedReason(error),
        });
        break;
      }
      await pause(500 * failures, stream.closed);
    }
  }
  stream.end();
}

const isVersioned = (thing: unknown): thing is { version: number } =>
  typeof thing === "object" && thing !== null && "version" in thing && typeof thing.version === "number";

/** `Last-Event-ID` is the version that a client has seen. Any other text means none. */
function lastVersion(header: string | undefined): number | undefined {
  return header !== undefined && /^\d{1,15}$/.test(header) ? Number(header) : undefined;
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
