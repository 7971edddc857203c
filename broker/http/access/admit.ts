/**
 * Everything between a request and its action, in this order: response format, rate limits, authentication,
 * authorization, headers, body. No byte of the body is read before the caller is known and within its limits.
 */

import type { CallMeta } from "../../contract/call-meta.ts";
import { checkRequest } from "../../contract/check-request.ts";
import { serviceOf } from "../../contract/contract.ts";
import { SoukError } from "../../contract/errors.ts";
import type { DeclaredFields } from "../../contract/fields.ts";
import { newId } from "../../contract/ids.ts";
import type { UploadedPart } from "../../contract/upload.ts";
import { canonicalEmail } from "../../contract/values/email.ts";
import type { ApiRoute } from "../api-route.ts";
import { type Exchange, holderOf } from "../http-exchange.ts";
import type { ConcurrencyLimit, Holder } from "../limits/concurrency-limit.ts";
import { type Quota, quotaHeaders, type RateLimits } from "../limits/rate-limit.ts";
import { invalid } from "../problem.ts";
import { BODY_LIMIT, bodyKind, hasBody, parseJson, RAW_BODY_LIMIT, readBytes } from "../request/body.ts";
import { decodePath, foldRecords, mergeParams, parseQuery, refuseQuery } from "../request/params.ts";
import {
  accepts,
  bearerToken,
  cartIdOf,
  cookieOf,
  idempotencyKeyOf,
  ifMatchOf,
  orderTokenOf,
  preferredWait,
  userAgentOf,
} from "../request/request-headers.ts";
import { fileType, receiveFile } from "../request/upload.ts";
import { TokenRejectedError, type TokenVerifier } from "./access-token.ts";
import { isApiKey } from "./api-key.ts";
import { authorize } from "./authorize.ts";
import type { LiveKeys } from "./live-keys.ts";
import type { LiveSessions } from "./live-sessions.ts";

export interface Admission {
  params: Record<string, unknown>;
  meta: CallMeta;
  /** The session of a signed-in caller's token. */
  session?: CallerSession;
  /** Who occupies what the request uses from now on. */
  holder: Holder;
}

/** The session of a caller, for replies that take long. */
export interface CallerSession {
  /** Expiry of the token, in milliseconds since the epoch. */
  expires: number;
  /** @throws {SoukError} UNAUTHENTICATED once the session has ended */
  check(): Promise<void>;
}

export interface Gate {
  verifier: TokenVerifier;
  sessions: LiveSessions;
  keys: LiveKeys;
  /** Undefined where limits are off. */
  limits?: RateLimits;
  /** Bodies being received. */
  bodies: ConcurrencyLimit;
  /** A slower body is refused. Bytes per second. */
  minBodyRate: number;
  /** That the shop's extensions keep with things of others. */
  fields: DeclaredFields;
  /** Whether clients reach the shop over https. */
  secure: boolean;
  /** Calls an action that keeps a part of an upload. */
  keepPart(action: string, part: UploadedPart, meta: CallMeta): Promise<unknown>;
}

/** @param rawParams path parameters, still percent-encoded */
export async function admit(
  gate: Gate,
  route: ApiRoute,
  exchange: Exchange,
  rawParams: Readonly<Record<string, string>>,
): Promise<Admission> {
  const { headers } = exchange.req;
  if (!accepts(headers.accept, route.produces))
    throw new SoukError("NOT_ACCEPTABLE", `This route gives ${route.produces}.`);
  const caller = await identify(gate, route, exchange);
  if (caller) Object.assign(exchange, { userId: caller.user.id, caller: caller.user });
  const user = authorize(route, caller?.user);
  const meta: CallMeta = {
    ...(user ? { user } : {}),
    ...metaOfHeaders(route, exchange, gate.secure),
    requestId: exchange.requestId,
    traceparent: exchange.trace.traceparent,
    clientIp: exchange.clientIp,
  };
  const holder = holderOf(exchange);
  // A provider sends its reports from few addresses, in bursts.
  if (route.contract.body === "raw") holder.caller = undefined;
  const path = decodePath(rawParams);
  const params = route.contract.upload
    ? await readUpload(gate, route, exchange, { path, holder, meta })
    : await readParams(route, exchange, path, (limit) => readWhole(gate, exchange, holder, limit));
  if (gate.limits && route.contract.credentials && typeof params.email === "string")
    showQuota(
      exchange,
      await gate.limits.account(exchange.clientIp, canonicalEmail(params.email) ?? params.email),
    );
  checkRequest(route.contract, params, gate.fields);
  return { params, meta, holder, ...(caller ? { session: caller.session } : {}) };
}

interface Caller {
  user: NonNullable<CallMeta["user"]>;
  session: CallerSession;
}

async function identify(gate: Gate, route: ApiRoute, exchange: Exchange): Promise<Caller | undefined> {
  const { limits, verifier, sessions } = gate;
  const { clientIp } = exchange;
  // The Authorization header of a provider's report is not ours. The action checks its signature.
  if (route.contract.body === "raw") {
    if (limits) showQuota(exchange, await limits.webhook(clientIp));
    return undefined;
  }
  const token = bearerToken(exchange.req.headers);
  if (token !== undefined && isApiKey(token)) return identifyKey(gate, route, exchange, token);
  let claims = token === undefined ? undefined : verifier.known(token);
  if (limits && route.contract.credentials) showQuota(exchange, await limits.credentials(clientIp));
  if (limits && !claims) showQuota(exchange, await limits.address(clientIp));
  if (token === undefined) return undefined;
  claims ??= await verifier.verify(token).catch((error: unknown) => {
    if (error instanceof TokenRejectedError)
      throw new SoukError("UNAUTHENTICATED", "The access token is invalid or has expired.");
    throw error;
  });
  const { sub, sid, roles, exp } = claims;
  const look = () => sessions.check({ sub, sid, roles });
  if (limits) showQuota(exchange, await limits.user(sub));
  // Those of now: a token names what its user was when it was signed.
  const { roles: present, scopes } = await look();
  return {
    user: { id: sub, roles: present, session: sid, ...(scopes ? { scopes } : {}) },
    session: {
      expires: exp * 1_000,
      async check() {
        await look();
      },
    },
  };
}

/** Keys are limited each, as users are. One that is not known to be live counts against its address. */
async function identifyKey(
  { limits, keys }: Gate,
  { contract }: ApiRoute,
  exchange: Exchange,
  token: string,
): Promise<Caller> {
  const { clientIp } = exchange;
  if (limits && contract.credentials) showQuota(exchange, await limits.credentials(clientIp));
  if (limits && !keys.isKnown(token)) showQuota(exchange, await limits.address(clientIp));
  const { id, userId, scopes, expiresAt } = await keys.check(token);
  if (limits) showQuota(exchange, await limits.user(id));
  return {
    user: { id, roles: ["staff"], scopes, keyOf: userId },
    session: {
      expires: Date.parse(expiresAt),
      async check() {
        await keys.check(token);
      },
    },
  };
}

function showQuota({ res }: Exchange, quota: Quota): void {
  for (const [name, value] of Object.entries(quotaHeaders(quota))) res.setHeader(name, value);
}

function metaOfHeaders(
  { contract, takesBody, method }: ApiRoute,
  { req }: Exchange,
  secure: boolean,
): CallMeta {
  const { headers } = req;
  const meta: CallMeta = {};
  const userAgent = userAgentOf(headers["user-agent"]);
  if (userAgent !== undefined) meta.userAgent = userAgent;
  const cookie = contract.cookie && cookieOf(headers.cookie, contract.cookie, secure);
  if (cookie) meta.cookie = cookie;
  const cartId = cartIdOf(headers["x-cart-id"]);
  if (cartId !== undefined) meta.cartId = cartId;
  const orderToken = orderTokenOf(headers["x-order-token"]);
  if (orderToken !== undefined) meta.orderToken = orderToken;
  if (method === "POST") {
    const key = idempotencyKeyOf(headers["idempotency-key"]);
    if (key !== undefined) meta.idempotencyKey = key;
    else if (contract.idempotent === "required") throw new SoukError("IDEMPOTENCY_KEY_MISSING");
  }
  if (takesBody || method === "DELETE") {
    const ifMatch = ifMatchOf(headers["if-match"]);
    // A resource without an entity tag can't match one (RFC 9110, 13.1.1).
    if (ifMatch !== undefined && !contract.etag) throw new SoukError("VERSION_MISMATCH");
    if (ifMatch !== undefined) meta.ifMatch = ifMatch;
  }
  const wait = preferredWait(headers.prefer);
  if (wait !== undefined) meta.preferWait = wait;
  return meta;
}

type ReadBytes = (limit: number) => Promise<Buffer>;

/** Reads the body, if its holder may send one more at the moment. */
const readWhole = (gate: Gate, exchange: Exchange, holder: Holder, limit: number): Promise<Buffer> =>
  receiving(gate, exchange, holder, () =>
    readBytes(exchange.req, exchange.res, { limit, minRate: gate.minBodyRate }),
  );

async function receiving<T>(
  gate: Gate,
  { res }: Exchange,
  holder: Holder,
  read: () => Promise<T>,
): Promise<T> {
  let release: () => void;
  try {
    release = gate.bodies.take(holder);
  } catch (error) {
    // The remaining bytes would only be discarded.
    res.setHeader("Connection", "close");
    throw error;
  }
  try {
    return await read();
  } finally {
    release();
  }
}

/** Parameters stand in the query. They are checked before the file is received, which adds `file`. */
async function readUpload(
  gate: Gate,
  { action, contract }: ApiRoute,
  exchange: Exchange,
  { path, holder, meta }: { path: Readonly<Record<string, string>>; holder: Holder; meta: CallMeta },
): Promise<Record<string, unknown>> {
  const { upload } = contract;
  if (!upload) throw new Error(`${action} takes no upload`);
  const { req, res } = exchange;
  const type = fileType(req.headers["content-type"], upload.types);
  const given = mergeParams(path, parseQuery(exchange.query));
  if ("file" in given) throw invalid("file", "is the body");
  checkRequest(contract, { ...given, file: { id: newId(), type, bytes: 0, parts: 0 } }, gate.fields);
  const keeper = `${serviceOf(action)}.${upload.part}`;
  const file = await receiving(gate, exchange, holder, () =>
    receiveFile(req, res, type, upload, gate.minBodyRate, (part) => gate.keepPart(keeper, part, meta)),
  );
  return { ...given, file };
}

async function readParams(
  route: ApiRoute,
  exchange: Exchange,
  path: Readonly<Record<string, string>>,
  read: ReadBytes,
): Promise<Record<string, unknown>> {
  if (route.contract.body === "raw") return mergeParams(path, await rawBody(exchange, read));
  const query = parseQuery(exchange.query);
  if (!route.takesBody) {
    if (hasBody(exchange.req)) throw new SoukError("UNSUPPORTED_MEDIA_TYPE", "This route takes no body.");
    return mergeParams(path, foldRecords(query, route.recordParams));
  }
  const body = await readBody(route, exchange, read);
  refuseQuery(query, { ...body, ...path });
  return mergeParams(path, body);
}

async function readBody(
  route: ApiRoute,
  { req }: Exchange,
  read: ReadBytes,
): Promise<Record<string, unknown>> {
  if (!hasBody(req)) return {};
  const kind = bodyKind(req.headers["content-type"], route.takesForm);
  const bytes = await read(BODY_LIMIT);
  if (bytes.length === 0) return {};
  return kind === "json" ? parseJson(bytes) : parseQuery(bytes.toString());
}

const MAX_RAW_HEADERS = 64;
const MAX_RAW_HEADER = 8_192;

/** The data that a webhook's signature covers: the raw bytes as base64, and headers by lower-case name. */
async function rawBody(
  { req }: Exchange,
  read: ReadBytes,
): Promise<{ headers: Record<string, string>; body: string }> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(req.headers).slice(0, MAX_RAW_HEADERS)) {
    const text = Array.isArray(value) ? value.join(", ") : (value ?? "");
    if (name !== "cookie" && name !== "__proto__" && text.length <= MAX_RAW_HEADER) headers[name] = text;
  }
  const bytes = await read(RAW_BODY_LIMIT);
  return { headers, body: bytes.toString("base64") };
}
