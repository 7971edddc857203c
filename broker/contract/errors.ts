/**
 * Error codes: every failure a client may meet has a stable code, an HTTP status and a sentence. The codes below are those of
 * every service; a domain's own stand in `services/<domain>/<domain>.errors.ts`. Anything thrown that is not a
 * {@link SoukError} is a bug and becomes 500.
 */
import { Errors } from "moleculer";
import { STATUS_CODES } from "./node-http.ts";

export interface ErrorEntry {
  readonly status: number;
  readonly title: string;
  /** The same request may succeed later: Moleculer, a worker or a client may retry it. */
  readonly retryable?: true;
}

export type ErrorEntries = Readonly<Record<string, ErrorEntry>>;

const registry = new Map<string, ErrorEntry>();

/** In capitals, so that no other error's `type` is taken for one. */
const CODE = /^[A-Z][A-Z0-9_]*$/;

/**
 * Declares error codes. The file that does so also augments {@link ErrorCodes}, so that they are typed everywhere; the
 * domain's contract names them.
 * @throws on a code that is declared already, or is none
 */
export function defineErrors<const E extends ErrorEntries>(errors: E): E {
  for (const [code, entry] of Object.entries(errors)) {
    if (!CODE.test(code)) throw new Error(`an error code is capitals, digits and _, not ${code}`);
    if (entry.status < 400 || entry.status > 599)
      throw new Error(`${code}: ${entry.status} is no status of an error`);
    if (registry.has(code)) throw new Error(`the error code ${code} is declared twice`);
    registry.set(code, entry);
  }
  return errors;
}

/** Codes that any service may use. */
export const genericErrors = defineErrors({
  VALIDATION_FAILED: { status: 422, title: "The request does not match the contract of this route." },
  MALFORMED_REQUEST: { status: 400, title: "The request line, a header or the URL is not well-formed." },
  SLOW_REQUEST: { status: 408, title: "The request took too long to arrive." },
  URI_TOO_LONG: { status: 414, title: "The URL is longer than this server takes." },
  HEADERS_TOO_LARGE: { status: 431, title: "The headers are larger than this server takes." },
  MALFORMED_BODY: { status: 400, title: "The body is not well-formed." },
  BODY_TOO_LARGE: { status: 413, title: "The body is larger than this route takes." },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, title: "The body's media type is not supported." },
  NOT_ACCEPTABLE: { status: 406, title: "The route can't answer in any accepted media type." },
  ROUTE_NOT_FOUND: { status: 404, title: "This route does not exist." },
  METHOD_NOT_ALLOWED: { status: 405, title: "The route exists, but not for this method." },
  UNAUTHENTICATED: { status: 401, title: "A valid access token is needed." },
  FORBIDDEN: { status: 403, title: "The caller does not have the right to do this." },
  RATE_LIMITED: { status: 429, title: "Too many requests.", retryable: true },
  NOT_FOUND: { status: 404, title: "It does not exist, or it is not the caller's." },
  CONFLICT: { status: 409, title: "The request conflicts with the present state." },
  VERSION_MISMATCH: { status: 412, title: "It has changed since it was read (If-Match)." },
  PRECONDITION_REQUIRED: { status: 428, title: "This write needs If-Match." },
  IDEMPOTENCY_KEY_MISSING: { status: 400, title: "This route needs an Idempotency-Key header." },
  IDEMPOTENCY_KEY_INVALID: { status: 400, title: "The Idempotency-Key is empty, too long or not printable." },
  IDEMPOTENCY_KEY_REUSED: { status: 422, title: "This Idempotency-Key was used with another request." },
  IDEMPOTENCY_IN_PROGRESS: {
    status: 409,
    title: "The first request with this Idempotency-Key is still running.",
    retryable: true,
  },
  OVERLOADED: { status: 503, title: "The shop is overloaded. Try again shortly.", retryable: true },
  UNAVAILABLE: {
    status: 503,
    title: "A server that the shop needs is unavailable. Try again shortly.",
    retryable: true,
  },
  INTERNAL: { status: 500, title: "An internal error occurred." },
});

export type CodesOf<E> = { [K in keyof E & string]: ErrorEntry };

/** All codes, by declaration merging. */
export interface ErrorCodes extends CodesOf<typeof genericErrors> {}
export type ErrorCode = keyof ErrorCodes & string;

/** What is declared for a code. @throws when no loaded contract declares it */
export function errorEntry(code: ErrorCode): ErrorEntry {
  const entry = registry.get(code);
  if (!entry) throw new Error(`no loaded contract declares the error code ${code}`);
  return entry;
}

/** Codes of some contracts, after those of every service; or of whatever else declares some. */
export const errorsOf = (declared: readonly { readonly errors?: ErrorEntries }[]): [string, ErrorEntry][] =>
  [genericErrors as ErrorEntries, ...declared.map((it) => it.errors ?? {})].flatMap((it) =>
    Object.entries(it),
  );

export interface FieldError {
  field: string;
  message: string;
}

/** Extra members of a problem document. `errors` names fields. `retryAfter` is in seconds. */
export interface ErrorData {
  errors?: readonly FieldError[];
  retryAfter?: number;
  /** Members that the action's contract describes for this code. See `problems` in contract.ts. */
  members?: Readonly<Record<string, unknown>>;
}

const NAME = "SoukError";

/**
 * An expected failure. Its type is the error code, so it survives a trip between nodes.
 * @param detail a sentence for the client about this occurrence; never driver text
 */
export class SoukError extends Errors.MoleculerError {
  declare type: ErrorCode;

  constructor(code: ErrorCode, detail?: string, data: ErrorData = {}) {
    const { status, title, retryable = false } = errorEntry(code);
    super(detail ?? title, status, code, data);
    this.name = NAME;
    this.retryable = retryable && status === 503;
  }
}

/** The code of any error, also of one from another node. Undefined for a bug, and for a code that is not declared here. */
export function errorCode(error: unknown): ErrorCode | undefined {
  const type = typeOf(error);
  return type !== undefined && registry.has(type) ? (type as ErrorCode) : undefined;
}

export interface ExpectedFailure extends ErrorEntry {
  readonly code: string;
}

/**
 * What is known of an expected failure; undefined for a bug. A code may come from a node whose contracts this
 * process does not load. Then the error itself has its status and title.
 */
export function expectedFailure(error: unknown): ExpectedFailure | undefined {
  const code = typeOf(error);
  if (code === undefined) return undefined;
  const declared = registry.get(code);
  if (declared) return { code, ...declared };
  const { name, code: status, retryable } = error as Record<string, unknown>;
  if (name !== NAME || !CODE.test(code) || typeof status !== "number") return undefined;
  const title = status >= 400 ? STATUS_CODES[status] : undefined;
  return title === undefined ? undefined : { code, status, title, ...(retryable === true && { retryable }) };
}

function typeOf(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("type" in error)) return undefined;
  return typeof error.type === "string" ? error.type : undefined;
}
