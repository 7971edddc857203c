/** Long replies in pages: a page is asked for when the client has taken the one before. */
import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { CallingOptions } from "moleculer";
import type { CallMeta } from "../../broker/contract/call-meta.ts";
import { type PagesContract, serviceOf } from "../../broker/contract/contract.ts";
import { expectedFailure } from "../../broker/contract/errors.ts";

const MAX_FAILURES = 5;
/** A reply that takes longer is cut off. */
const MAX_MS = 30 * 60_000;

export interface PagesRequest {
  /** Full name of the action that has the route, e.g. `imports.exportStock`. */
  action: string;
  contract: PagesContract;
  params: Record<string, unknown>;
  meta: CallMeta;
  /** With `charset`, where it is text. */
  type: string;
  /** Whether only the headers are wanted. */
  headOnly: boolean;
  res: ServerResponse;
  call(action: string, params: object, options: CallingOptions): Promise<unknown>;
}

/**
 * Rejects before the reply has begun (not allowed, no service). Afterwards a failure cuts the reply off, so that no client
 * takes a part for the whole.
 */
export async function sendPages(request: PagesRequest): Promise<void> {
  const { action, contract, params, meta, type, headOnly, res, call } = request;
  await call(action, params, { meta: { ...meta } });
  const begun = performance.now();
  let page = await nextPage(request);
  res.writeHead(200, {
    "Content-Type": type,
    "Content-Disposition": `attachment; filename="${contract.fileName}"`,
    "Cache-Control": "no-store",
  });
  if (headOnly) {
    res.end();
    return;
  }
  for (;;) {
    if (res.destroyed) return;
    if (page.text !== "" && !res.write(page.text)) await drained(res);
    if (page.next === null) break;
    if (performance.now() - begun > MAX_MS) throw new Error(`${action} took too long`);
    page = await nextPage(request, page.next);
  }
  res.end();
}

interface Page {
  text: string;
  next: string | null;
}

async function nextPage(
  { action, contract, params, meta, call }: PagesRequest,
  next?: string,
): Promise<Page> {
  const given = { ...params, ...contract.given, ...(next === undefined ? {} : { next }) };
  for (let failures = 0; ; failures++)
    try {
      const page = await call(`${serviceOf(action)}.${contract.action}`, given, { meta: { ...meta } });
      if (!isPage(page)) throw new Error(`${contract.action} gave no page`);
      return page;
    } catch (error) {
      if (failures >= MAX_FAILURES || !expectedFailure(error)?.retryable) throw error;
      await sleep(200 * 2 ** failures);
    }
}

const isPage = (it: unknown): it is Page =>
  typeof it === "object" && it !== null && "text" in it && "next" in it && typeof it.text === "string";

/** Also when the client has left. */
async function drained(res: ServerResponse): Promise<void> {
  const stop = new AbortController();
  try {
    await Promise.race([
      once(res, "drain", { signal: stop.signal }),
      once(res, "close", { signal: stop.signal }),
    ]);
  } finally {
    stop.abort();
  }
}
