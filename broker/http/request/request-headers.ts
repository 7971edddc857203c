/** Request headers that Souk uses. Each is validated before use. */
import type { IncomingHttpHeaders } from "node:http";
import { SoukError } from "../../contract/errors.ts";
import { id } from "../../contract/schemas.ts";
import { pooledRandom } from "../../contract/secrets/random-pool.ts";
import { invalid } from "../problem.ts";

export interface Trace {
  /** 32 hex digits, shared by everything that this request causes. */
  traceId: string;
  /** W3C trace context for further calls, with the gateway's own span. */
  traceparent: string;
}

const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:$|-)/;
const ZEROES = /^0+$/;

/** Continues the caller's trace if it is valid, else starts one. */
export function traceOf(header: string | undefined): Trace {
  const random = pooledRandom(24).toString("hex");
  const [, traceId = "", parent = "", flags = "01"] = (header && TRACEPARENT.exec(header)) || [];
  const given = traceId !== "" && !ZEROES.test(traceId) && !ZEROES.test(parent);
  const trace = given ? traceId : random.slice(16);
  return { traceId: trace, traceparent: `00-${trace}-${random.slice(0, 16)}-${given ? flags : "01"}` };
}

const REQUEST_ID = /^[A-Za-z0-9._:-]{1,128}$/;

/** The caller's `X-Request-Id` if it is harmless in a log, else the trace id. */
export const requestIdOf = (header: string | string[] | undefined, traceId: string): string =>
  typeof header === "string" && REQUEST_ID.test(header) ? header : traceId;

/** @throws {SoukError} VALIDATION_FAILED */
export function cartIdOf(header: string | string[] | undefined): string | undefined {
  if (header === undefined) return undefined;
  const parsed = id.safeParse(header);
  if (!parsed.success) throw invalid("X-Cart-Id", "must be a UUIDv7");
  return parsed.data;
}

const ORDER_TOKEN = /^[A-Za-z0-9_-]{43}$/;

/** @throws {SoukError} VALIDATION_FAILED */
export function orderTokenOf(header: string | string[] | undefined): string | undefined {
  if (header === undefined) return undefined;
  if (typeof header !== "string" || !ORDER_TOKEN.test(header))
    throw invalid("X-Order-Token", "must be the token of a reply to POST /orders");
  return header;
}

const COOKIE_VALUE = /^[A-Za-z0-9._~-]{1,4096}$/;

/**
 * The value of a cookie. Over https only one counts that no other host of the domain can have set (`__Host-`).
 * Undefined for one that is missing, twice there, or that no reply of ours has set.
 */
export function cookieOf(header: string | undefined, name: string, secure: boolean): string | undefined {
  const wanted = cookieName(name, secure);
  const values = (header ?? "").split(";").flatMap((it) => {
    const at = it.indexOf("=");
    return it.slice(0, at).trim() === wanted ? [it.slice(at + 1).trim()] : [];
  });
  const [value] = values;
  return values.length === 1 && value !== undefined && COOKIE_VALUE.test(value) ? value : undefined;
}

export const cookieName = (name: string, secure: boolean): string => (secure ? `__Host-${name}` : name);

/** `User-Agent`, shortened. It is enough for people to recognise their device. */
export const userAgentOf = (header: string | undefined): string | undefined =>
  header
    ?.slice(0, 200)
    .replaceAll(/[^\x20-\x7e]/g, "")
    .trim() || undefined;

const BARE_KEY = /^[\x21\x23-\x7e][\x20-\x7e]*$/;
const QUOTED_KEY = /^"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"$/;

/**
 * `Idempotency-Key`, as a quoted string (IETF draft) or bare. 1 to 255 printable characters.
 * @throws {SoukError} IDEMPOTENCY_KEY_INVALID
 */
export function idempotencyKeyOf(header: string | string[] | undefined): string | undefined {
  if (header === undefined) return undefined;
  const value = String(header);
  const quoted = QUOTED_KEY.exec(value)?.[1];
  const key = quoted === undefined ? value : quoted.replaceAll(/\\(["\\])/g, "$1");
  if (key.length < 1 || key.length > 255 || (quoted === undefined && !BARE_KEY.test(key)))
    throw new SoukError("IDEMPOTENCY_KEY_INVALID");
  return key;
}

const ENTITY_TAG = /^(W\/)?"([\x21\x23-\x7e]*)"$/;
/** The version, and in replies to reads of shared things what else the body depends on. */
const VERSION = /^(0|[1-9]\d{0,14})(?:[.][A-Za-z0-9_-]{1,40})?$/;

/**
 * The version that `If-Match` asks for. Undefined when it is absent or `*`.
 * @throws {SoukError} MALFORMED_REQUEST when it is no entity tag; VERSION_MISMATCH for a tag that we never issued
 */
export function ifMatchOf(header: string | undefined): number | undefined {
  if (header === undefined || header.trim() === "*") return undefined;
  const [tag, weak, opaque = ""] = ENTITY_TAG.exec(header.trim()) ?? [];
  if (tag === undefined)
    throw new SoukError("MALFORMED_REQUEST", 'If-Match: must be * or one entity tag like "3"');
  const version = VERSION.exec(opaque)?.[1];
  if (weak || version === undefined) throw new SoukError("VERSION_MISMATCH");
  return Number(version);
}

const MAX_WAIT = 10;
const WAIT = /(?:^|[,;])\s*wait\s*=\s*"?(\d{1,6})"?\s*(?:$|[,;])/i;

/** Seconds from `Prefer: wait=N`, at most {@link MAX_WAIT}. An invalid preference is ignored (RFC 7240). */
export function preferredWait(header: string | string[] | undefined): number | undefined {
  const wait = header === undefined ? undefined : WAIT.exec(String(header))?.[1];
  return wait === undefined ? undefined : Math.min(Number(wait), MAX_WAIT);
}

const BEARER = /^Bearer +([A-Za-z0-9._~+/=-]+) *$/i;

/**
 * The bearer token, if one is sent.
 * @throws {SoukError} UNAUTHENTICATED for any other kind of `Authorization`
 */
export function bearerToken({ authorization }: IncomingHttpHeaders): string | undefined {
  if (authorization === undefined) return undefined;
  const token = BEARER.exec(authorization)?.[1];
  if (!token) throw new SoukError("UNAUTHENTICATED", "Authorization must be Bearer and a token.");
  return token;
}

/** Whether a person's browser asks: `Accept` names HTML, and JSON not before it. */
export function prefersHtml(header: string | undefined): boolean {
  if (header === undefined || header.length > 2_000) return false;
  const weights = new Map<string, number>();
  for (const part of header.split(",")) {
    const [range = "", ...parameters] = part.split(";").map((it) => it.trim().toLowerCase());
    const q = parameters.find((it) => it.startsWith("q="));
    weights.set(range, q === undefined ? 1 : Number(q.slice(2)) || 0);
  }
  const html = weights.get("text/html") ?? 0;
  const json = Math.max(weights.get("application/json") ?? 0, weights.get("application/problem+json") ?? 0);
  return html > 0 && html >= json;
}

/** Whether `Accept` permits an answer of `type`, for example `application/json`. */
export function accepts(header: string | undefined, type: string): boolean {
  if (header === undefined || header === "*/*" || header === type) return true;
  const [family = ""] = type.split("/");
  // The most specific range that names the type decides (RFC 9110, 12.5.1).
  let best = -1;
  let allowed = false;
  for (const part of header.split(",")) {
    const [range = "", ...parameters] = part.split(";").map((it) => it.trim().toLowerCase());
    const rank = range === type ? 2 : range === `${family}/*` ? 1 : range === "*/*" ? 0 : -1;
    if (rank <= best) continue;
    best = rank;
    allowed = !parameters.some((it) => /^q=0(?:\.0*)?$/.test(it));
  }
  return allowed;
}
