/** Failures as RFC 9457 problem documents. Of a bug, clients see only the trace id. */
import { Errors } from "moleculer";
import {
  type ErrorCode,
  type ErrorData,
  errorEntry,
  expectedFailure,
  type FieldError,
  SoukError,
} from "../contract/errors.ts";

export const PROBLEM_TYPE = "application/problem+json";

export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  /** W3C trace id of the request. Support asks for it, and logs contain it. */
  traceId: string;
  instance: string;
  errors?: readonly FieldError[];
  /** Members that the route's contract describes for this code. */
  [member: string]: unknown;
}

/** The client has left, so no answer is needed. */
export class ClientGoneError extends Error {
  override readonly name = "ClientGoneError";
}

/** Moleculer's errors for a service that can't be called now, and the codes for clients. */
const MOLECULER: Readonly<Record<string, ErrorCode>> = {
  SERVICE_NOT_FOUND: "UNAVAILABLE",
  SERVICE_NOT_AVAILABLE: "UNAVAILABLE",
  SERVICE_UNAVAILABLE: "UNAVAILABLE",
  REQUEST_TIMEOUT: "UNAVAILABLE",
  REQUEST_SKIPPED: "UNAVAILABLE",
  REQUEST_REJECTED: "UNAVAILABLE",
  BAD_GATEWAY: "UNAVAILABLE",
  QUEUE_FULL: "OVERLOADED",
};

/** Seconds after which a client may retry, where the failure itself does not say. */
const RETRY_AFTER: ReadonlyMap<string, number> = new Map<ErrorCode, number>([
  ["OVERLOADED", 1],
  ["UNAVAILABLE", 2],
  ["RATE_LIMITED", 60],
]);

export interface Failure {
  code: string;
  status: number;
  title: string;
  detail: string;
  errors?: readonly FieldError[];
  /** Seconds. */
  retryAfter?: number;
  members?: Readonly<Record<string, unknown>>;
}

/** A failure of the gateway itself. */
export function failure(code: ErrorCode): Failure {
  const { status, title } = errorEntry(code);
  return { code, status, title, detail: title };
}

/** What a client is told about anything that was thrown, here or on another node. */
export function failureOf(error: unknown): Failure {
  const expected = expectedFailure(error);
  const { code, status, title } = expected ?? failure(moleculerCode(error) ?? "INTERNAL");
  const known = expected !== undefined && code !== "INTERNAL" && error instanceof Error;
  const data: ErrorData = known && "data" in error && isData(error.data) ? error.data : {};
  const retryAfter = data.retryAfter ?? RETRY_AFTER.get(code);
  return {
    code,
    status,
    title,
    detail: known && error.message ? error.message : title,
    ...(data.errors ? { errors: data.errors } : {}),
    ...(retryAfter === undefined ? {} : { retryAfter }),
    ...(data.members ? { members: data.members } : {}),
  };
}

function moleculerCode(error: unknown): ErrorCode | undefined {
  // moleculer-web reports it without a type where no node runs the service.
  if (error instanceof Errors.MoleculerError && error.code === 503) return "UNAVAILABLE";
  if (typeof error !== "object" || error === null || !("type" in error)) return undefined;
  return typeof error.type === "string" && Object.hasOwn(MOLECULER, error.type)
    ? MOLECULER[error.type]
    : undefined;
}

const isData = (data: unknown): data is ErrorData => typeof data === "object" && data !== null;

/**
 * @param base public address of the gateway, so that `type` resolves; empty makes it relative to this reply
 * @param instance path of the request, without its query
 */
export function problem(failure: Failure, { base, traceId, instance }: ProblemContext): Problem {
  return {
    ...failure.members,
    type: `${base}/docs/errors#${failure.code}`,
    title: failure.title,
    status: failure.status,
    detail: failure.detail,
    code: failure.code,
    traceId,
    instance: uriReference(instance),
    ...(failure.errors ? { errors: failure.errors } : {}),
  };
}

const percent = (char: string): string =>
  `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;

/** A path with invalid URI characters escaped. It never contains the name of a host (RFC 3986, 4.2). */
const uriReference = (path: string): string =>
  (path.startsWith("//") ? `/.${path}` : path)
    .replaceAll(/[^A-Za-z0-9\-._~!$&'()*+,;=:@%/]/g, percent)
    .replaceAll(/%(?![0-9A-Fa-f]{2})/g, "%25");

export interface ProblemContext {
  base: string;
  traceId: string;
  instance: string;
}

/** A validation failure of one named thing: a header, a parameter. */
export const invalid = (field: string, message: string): SoukError =>
  new SoukError("VALIDATION_FAILED", `${field}: ${message}`, { errors: [{ field, message }] });
