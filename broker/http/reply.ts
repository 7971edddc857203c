/** Successful replies: status, entity tags, caching, and bodies of every kind that an action may return. */
import type { ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { CallMeta } from "../contract/call-meta.ts";
import { API_BASE, type ApiRoute } from "./api-route.ts";
import type { Exchange } from "./http-exchange.ts";
import { bodyTag, isNotModified, versionAndBodyTag, versionTag } from "./request/conditional.ts";

/** Pages may have styles and post forms to this shop. They run no scripts. */
const PAGE_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/** A picture has styles and nothing else: no scripts, and nothing from elsewhere. */
const PICTURE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'";

/** A read for everybody. A shared cache may store it and revalidates it each time. */
const SHARED = "public, no-cache";
/** Its address changes with it. */
const IMMUTABLE = "public, max-age=31536000, immutable";
/** A caller's own read. Only its own cache stores it and revalidates it each time. */
const PRIVATE = "private, no-cache";

/** @throws on data that the route can't return, which is a bug of the action */
export async function reply(
  exchange: Exchange,
  route: ApiRoute,
  data: unknown,
  meta: Pick<CallMeta, "$statusCode" | "$responseHeaders" | "$responseType">,
): Promise<void> {
  const { req, res } = exchange;
  const status = meta.$statusCode ?? route.status;
  const reading = req.method === "GET" || req.method === "HEAD";
  setHeaders(res, meta.$responseHeaders);
  const shared = route.shared && req.headers.authorization === undefined;
  // A signed-in caller may see more. A cache must not mix the two.
  if (route.shared) res.setHeader("Vary", "Origin, Authorization");
  const kept = route.contract.immutable ? IMMUTABLE : shared ? SHARED : PRIVATE;
  if (reading) res.setHeader("Cache-Control", kept);
  if (data === undefined || data === null) {
    empty(res, status);
    return;
  }
  if (route.produces !== "application/json") return other(exchange, route, status, data, meta.$responseType);
  const location = createdAt(route, status, data);
  if (location !== undefined && !res.hasHeader("Location")) res.setHeader("Location", location);
  json(exchange, route, status, data, reading);
}

function json(
  { req, res }: Exchange,
  route: ApiRoute,
  status: number,
  data: unknown,
  reading: boolean,
): void {
  const version = route.contract.etag && status < 300 && hasVersion(data) ? data.version : undefined;
  // What everybody may read has derived parts, which change without a new version.
  const isDerived = reading && route.shared;
  let tag = version === undefined || isDerived ? undefined : versionTag(version);
  if (reading && tag && isNotModified(req.headers["if-none-match"], tag)) {
    notModified(res, tag);
    return;
  }
  const text = reading && route.shared && isObject(data) ? keptTextOf(data) : textOf(data);
  if (reading && !tag) {
    text.tag ??= version === undefined ? bodyTag(text.body) : versionAndBodyTag(version, text.body);
    tag = text.tag;
    if (isNotModified(req.headers["if-none-match"], tag)) {
      notModified(res, tag);
      return;
    }
  }
  if (tag) res.setHeader("ETag", tag);
  const { body, length } = text;
  res.writeHead(status, { "Content-Type": "application/json; charset=utf-8", "Content-Length": length });
  res.end(body);
}

interface Text {
  readonly body: string;
  /** In bytes. */
  readonly length: number;
  tag?: string;
}

function textOf(data: unknown): Text {
  const body = JSON.stringify(data);
  return { body, length: Buffer.byteLength(body) };
}

/** Of answers that an action's cache gives to many callers. They do not change. */
const texts = new WeakMap<object, Text>();

function keptTextOf(data: object): Text {
  let text = texts.get(data);
  if (!text) {
    text = textOf(data);
    texts.set(data, text);
  }
  return text;
}

function notModified(res: ServerResponse, tag: string): void {
  res.writeHead(304, { ETag: tag });
  res.end();
}

function empty(res: ServerResponse, status: number): void {
  res.writeHead(status, status === 204 ? {} : { "Content-Length": 0 });
  res.end();
}

async function other({ req, res }: Exchange, route: ApiRoute, status: number, data: unknown, type?: string) {
  const html = route.produces === "text/html";
  if (route.produces.startsWith("image/")) {
    res.setHeader("Content-Security-Policy", PICTURE_POLICY);
    // Pages of other origins may show it, as they may show any product.
    res.setHeader("Cross-Origin-Resource-Policy", "cross-origin");
  }
  if (html) res.setHeader("Content-Security-Policy", PAGE_POLICY);
  res.statusCode = status;
  res.setHeader("Content-Type", type ?? (html ? "text/html; charset=utf-8" : route.produces));
  if (data instanceof Readable) {
    if (req.method === "HEAD") {
      data.destroy();
      res.end();
    } else await pipeline(data, res);
    return;
  }
  const bytes = typeof data === "string" ? Buffer.from(data) : bufferOf(data);
  if (!bytes) throw new Error(`${route.action} returned neither text, bytes nor a stream`);
  if (route.method === "GET" && status === 200) {
    const tag = bodyTag(bytes);
    if (isNotModified(req.headers["if-none-match"], tag)) {
      res.removeHeader("Content-Type");
      notModified(res, tag);
      return;
    }
    res.setHeader("ETag", tag);
  }
  res.setHeader("Content-Length", bytes.length);
  res.end(bytes);
}

/** Bytes, also in the JSON form used between nodes. */
function bufferOf(data: unknown): Buffer | undefined {
  if (data instanceof Uint8Array) return Buffer.from(data);
  if (typeof data !== "object" || data === null || !("type" in data) || data.type !== "Buffer")
    return undefined;
  return "data" in data && Array.isArray(data.data) ? Buffer.from(data.data) : undefined;
}

function createdAt({ createsAt }: ApiRoute, status: number, data: unknown): string | undefined {
  if (!createsAt || status !== 201 || typeof data !== "object" || data === null) return undefined;
  const key = (data as Record<string, unknown>)[createsAt.field];
  return typeof key === "string" ? `${API_BASE}${createsAt.prefix}${encodeURIComponent(key)}` : undefined;
}

const isObject = (data: unknown): data is object => typeof data === "object" && data !== null;

const hasVersion = (data: unknown): data is { version: number } =>
  typeof data === "object" && data !== null && "version" in data && Number.isSafeInteger(data.version);

export function setHeaders(res: ServerResponse, headers: Readonly<Record<string, string>> = {}): void {
  for (const [name, value] of Object.entries(headers)) res.setHeader(name, value);
}
