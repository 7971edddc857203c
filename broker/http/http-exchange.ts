/** One request and its reply, with what the gateway found out about them. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { CallMeta } from "../contract/call-meta.ts";
import { addressKey } from "./limits/address.ts";
import { clientAddress } from "./limits/client-address.ts";
import type { Holder } from "./limits/concurrency-limit.ts";
import { requestIdOf, type Trace, traceOf } from "./request/request-headers.ts";
import { readTarget } from "./request/request-target.ts";

export interface Exchange {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly trace: Trace;
  readonly requestId: string;
  readonly clientIp: string;
  /** Path as in the URL, still percent-encoded, without the query. */
  readonly path: string;
  /** Query string without the question mark. */
  readonly query: string;
  /** `performance.now()` at its start. */
  readonly startedAt: number;
  /** Bytes that its connection had sent before. */
  readonly sentBefore: number;
  /** Whether its address is one of pages, which people open. */
  isPage?: boolean;
  /** The path for logs, where it differs. */
  shownPath?: string;
  /** The user, once known. */
  userId?: string;
  /** The user with roles, once known, also where the request is refused then. */
  caller?: CallMeta["user"];
  /** Code of the problem document that answered it. */
  code?: string;
  /** Status of an answer that did not use `res`. */
  answered?: number;
  /** Called with the outcome of that call. */
  concluded?: (error?: unknown) => void;
  /** The call made for it. It continues when the client leaves, and counts as in flight until it ends. */
  work?: Promise<unknown>;
}

/** Who occupies what a request uses: the user once known, else the address. */
export function holderOf({ clientIp, userId }: Exchange): Holder {
  const address = addressKey(clientIp);
  return { caller: userId ?? address, address };
}

/**
 * Calls `release` when the call has ended, and the answer is in the kernel or its client has left.
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

/** @throws for a request that did not pass the gateway's entry */
export function exchangeOf(req: IncomingMessage): Exchange {
  const exchange = open.get(req);
  if (!exchange) throw new Error("the request has no exchange");
  return exchange;
}

const single = (header: string | string[] | undefined): string | undefined =>
  typeof header === "string" ? header : undefined;
