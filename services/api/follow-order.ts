/**
 * `GET /orders/:id/events`: sends the order after each change, until the order has ended, the client leaves or its
 * token expires.
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { CallMeta } from "../../broker/contract/call-meta.ts";
import { redactedReason } from "../../broker/contract/redact.ts";
import type { EventStream } from "../../broker/http/event-stream.ts";
import type { TypedCall } from "../../broker/moleculer/handlers.ts";
import type { Log } from "../../broker/resilience/log.ts";
import { rateLimitedLog } from "../../broker/resilience/rate-limited-log.ts";
import type { OrderStatus } from "../orders/orders.contract.ts";

/** Final statuses of an order. */
const ENDS: ReadonlySet<OrderStatus> = new Set(["delivered", "rejected", "cancelled", "expired", "refunded"]);
/** Short, because a stopping node waits for running calls. */
const WAIT_MS = 5_000;
const MAX_FAILURES = 5;

export interface StreamRequest {
  params: Record<string, unknown>;
  meta: CallMeta;
  lastEventId: string | undefined;
  call: TypedCall;
  /** Starts the reply. A failure before that is an ordinary problem document. */
  open(): EventStream;
  log: Log;
}

/** Rejects before the stream is open (not found, not the caller's). A later failure ends the stream. */
export async function followOrder({
  params,
  meta,
  lastEventId,
  call,
  open,
  log,
}: StreamRequest): Promise<void> {
  // The owning service checks the id and the ownership.
  const { id } = await call("orders.get", params as { id: string }, { meta: { ...meta } });
  const stream = open();
  let after = lastVersion(lastEventId);
  let failures = 0;
  while (!stream.closed.aborted) {
    try {
      const order = await call(
        "orders.next",
        { id, after, waitMs: WAIT_MS },
        // Not tracked, so that a stop of this node does not wait for it.
        { meta: { ...meta }, timeout: WAIT_MS + 5_000, tracking: false },
      );
      failures = 0;
      if (!order) continue;
      after = order.version;
      await stream.send({ event: "order", id: String(order.version), data: order });
      if (ENDS.has(order.status)) break;
    } catch (error) {
      // The service may be moving from one node to another. The client would reconnect at once anyway.
      failures++;
      if (failures > MAX_FAILURES) {
        rateLimitedLog(log).warn("stream", "an event stream ends early", {
          order: id,
          reason: redactedReason(error),
        });
        break;
      }
      await pause(500 * failures, stream.closed);
    }
  }
  stream.end();
}

/** `Last-Event-ID` is the version that a client has seen. Any other text means none. */
function lastVersion(header: string | undefined): number {
  return header !== undefined && /^\d{1,15}$/.test(header) ? Number(header) : 0;
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
