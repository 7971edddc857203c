/** One request and its reply, with what the gateway found out about them. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { addressKey } from "./limits/address.ts";
import { clientAddress } from "./limits/client-address.ts";
import type { Holder } from "./limits/shares.ts";
import { requestIdOf, type Trace, traceOf } from "./request/request-headers.ts";
import { readTarget } from "./request/request-target.ts";

export interface Exchange {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly trace: Trace;
  readonly requestId: string;
  readonly clientIp: string;
  /** Path as it stands in the URL, still percent-encoded, without the query. */
  readonly path: string;
  /** Query string without the question mark. */
  readonly query: string;
  /** `performance.now()` at its start. */
  readonly startedAt: number;
  /** Bytes that its connection had sent before. */
  readonly sentBefore: number;
  /** The path as logs may show it, where that is another one. */
  shownPath?: string;
  /** Who asks, where that is known. */
  userId?: string;
  /** Of the problem document that it was answered with. */
  code?: string;
  /** Status of an answer that did not go through `res`. */
  answered?: number;
  /** The call that was made for it. It goes on when the client leaves, and counts as in flight until it ends. */
  work?: Promise<unknown>;
}

/** Who holds what a request takes: the user, as soon as it is known who that is, else the address. */
export function holderOf({ clientIp, userId }: Exchange): Holder {
  const address = addressKey(clientIp);
  return { caller: userId ?? address, address };
}

/**
 * Calls `release` when the answer has been handed over to the kernel, or its client has gone, and what was done for it
 * has ended.
 */
export function afterAnswer(exchange: Exchange, release: () => void): void {
  exchange.res.once("close", () => {
    if (exchange.work) exchange.work.then(release, release);
    else release();
  });
}

const open = new WeakMap<IncomingMessage, Exchange>();

/** @param hops trusted proxies in front of the gateway */
export function openExchange(req: IncomingMessage, res: ServerResponse, hops: number): Exchange {
  readTarget(req);
  const url = req.url ?? "/";
  const mark = url.indexOf("?");
  const trace = traceOf(single(req.headers.traceparent));
  const exchange: Exchange = {
    req,
    res,
    trace,
    requestId: requestIdOf(req.headers["x-request-id"], trace.traceId),
    clientIp: clientAddress(req, hops),
    path: mark < 0 ? url : url.slice(0, mark),
    query: mark < 0 ? "" : url.slice(mark + 1),
    startedAt: performance.now(),
    sentBefore: req.socket.bytesWritten,
  };
  open.set(req, exchange);
  return exchange;
}

/** @throws for a request that did not come through the gateway's front */
export function exchangeOf(req: IncomingMessage): Exchange {
  const exchange = open.get(req);
  if (!exchange) throw new Error("the request has no exchange");
  return exchange;
}

const single = (header: string | string[] | undefined): string | undefined =>
  typeof header === "string" ? header : undefined;
