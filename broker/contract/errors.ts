/**
 * The error registry: every failure a client may meet, with its stable code, HTTP status and sentence.
 * `docs/errors.md` is generated from it. Anything thrown that is not a {@link SoukError} is a bug and becomes 500.
 */
import { Errors } from "moleculer";

interface Entry {
  status: number;
  title: string;
  /** Worth repeating as it is (by Moleculer's retry, a worker, or a client). */
  retryable?: true;
}

export const errorRegistry = {
  VALIDATION_FAILED: { status: 422, title: "The request does not fit the contract of this route." },
  MALFORMED_REQUEST: { status: 400, title: "The request line, a header or the URL is not well-formed." },
  SLOW_REQUEST: { status: 408, title: "The request took too long to arrive." },
  URI_TOO_LONG: { status: 414, title: "The URL is longer than this server takes." },
  HEADERS_TOO_LARGE: { status: 431, title: "The headers are larger than this server takes." },
  MALFORMED_BODY: { status: 400, title: "The body is not well-formed." },
  BODY_TOO_LARGE: { status: 413, title: "The body is larger than this route takes." },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, title: "The body's media type is not supported." },
  NOT_ACCEPTABLE: { status: 406, title: "None of the accepted media types can be produced." },
  ROUTE_NOT_FOUND: { status: 404, title: "There is no such route." },
  METHOD_NOT_ALLOWED: { status: 405, title: "The route exists, but not for this method." },
  UNAUTHENTICATED: { status: 401, title: "A valid access token is needed." },
  FORBIDDEN: { status: 403, title: "The caller may not do this." },
  INVALID_CREDENTIALS: { status: 401, title: "E-mail address and password do not match." },
  WRONG_PASSWORD: { status: 403, title: "The current password is not right." },
  WEAK_PASSWORD: { status: 422, title: "The password is too easy to guess." },
  INVALID_TOKEN: { status: 401, title: "The token is unknown, used up or expired." },
  EMAIL_TAKEN: { status: 409, title: "There is an account with this e-mail address already." },
  BOOTSTRAP_CLOSED: { status: 409, title: "The first admin has been made already." },
  RATE_LIMITED: { status: 429, title: "Too many requests.", retryable: true },
  NOT_FOUND: { status: 404, title: "There is no such thing, or it is not the caller's." },
  CONFLICT: { status: 409, title: "The request conflicts with the present state." },
  VERSION_MISMATCH: { status: 412, title: "It has changed since it was read (If-Match)." },
  PRECONDITION_REQUIRED: { status: 428, title: "This write needs If-Match." },
  SLUG_TAKEN: { status: 409, title: "There is something with this slug already." },
  SKU_TAKEN: { status: 409, title: "There is something with this SKU already." },
  CATEGORY_IN_USE: { status: 409, title: "The category still has products or child categories." },
  SKU_UNKNOWN: { status: 422, title: "There is no such SKU on sale." },
  CART_EMPTY: { status: 422, title: "The cart has no lines." },
  CART_FULL: { status: 422, title: "The cart has as many lines as it can hold." },
  CURRENCY_MIXED: { status: 422, title: "All lines of an order must be in one currency." },
  PRICE_CHANGED: { status: 409, title: "A price has changed since it was shown; `cart` has those of now." },
  CART_CHANGED: { status: 409, title: "The cart has changed since it was shown; `cart` is what it is now." },
  CART_ALREADY_ORDERED: {
    status: 409,
    title: "The cart has been ordered as it is: pay or cancel that order (`orderId`), or change the cart.",
  },
  TOO_MANY_OPEN_ORDERS: {
    status: 409,
    title: "So many orders wait for their payment already: pay or cancel one of them (`orderIds`) first.",
  },
  OPEN_QUANTITY_EXCEEDED: {
    status: 409,
    title:
      "The orders that wait for their payment (`orderIds`) and this one would hold too many units together.",
  },
  INSUFFICIENT_STOCK: { status: 409, title: "There is not enough stock." },
  ORDER_NOT_CANCELLABLE: { status: 409, title: "The order can't be cancelled any more." },
  ORDER_NOT_PAYABLE: { status: 409, title: "The order can't be paid (any more)." },
  INVOICE_NOT_ISSUED: { status: 404, title: "The order has no invoice (yet): it gets one when it is paid." },
  PAYMENT_NOT_REFUNDABLE: { status: 409, title: "There is nothing left to refund on this payment." },
  REFUND_TOO_LARGE: { status: 422, title: "The refund is larger than what is left of the capture." },
  PROVIDER_UNKNOWN: { status: 422, title: "There is no such payment provider, or it is not configured." },
  PROVIDER_FAILED: { status: 502, title: "The payment provider did not do what was asked.", retryable: true },
  WEBHOOK_REJECTED: { status: 401, title: "The webhook's signature is missing or wrong." },
  DELIVERY_TRANSITION: { status: 409, title: "The delivery can't go to this status from where it is." },
  IDEMPOTENCY_KEY_MISSING: { status: 400, title: "This route needs an Idempotency-Key header." },
  IDEMPOTENCY_KEY_INVALID: { status: 400, title: "The Idempotency-Key is empty, too long or not printable." },
  IDEMPOTENCY_KEY_REUSED: { status: 422, title: "The Idempotency-Key was used with another request." },
  IDEMPOTENCY_IN_PROGRESS: {
    status: 409,
    title: "The first request with this Idempotency-Key is still running.",
    retryable: true,
  },
  OVERLOADED: { status: 503, title: "The shop is at its limit; try again shortly.", retryable: true },
  UNAVAILABLE: {
    status: 503,
    title: "Something the shop needs is away; try again shortly.",
    retryable: true,
  },
  INTERNAL: { status: 500, title: "Something went wrong on our side." },
} as const satisfies Record<string, Entry>;

export type ErrorCode = keyof typeof errorRegistry;

export interface FieldError {
  field: string;
  message: string;
}

/** Extra members of a problem document; `errors` names fields, `retryAfter` is in seconds. */
export interface ErrorData {
  errors?: readonly FieldError[];
  retryAfter?: number;
  /** Members that the action's contract describes for this code, see `problems` in contract.ts. */
  members?: Readonly<Record<string, unknown>>;
}

/**
 * An expected failure. Its type is the registry code, so it survives a trip between nodes.
 * @param detail a sentence for the client about this occurrence; never driver text
 */
export class SoukError extends Errors.MoleculerError {
  declare type: ErrorCode;

  constructor(code: ErrorCode, detail: string = errorRegistry[code].title, data: ErrorData = {}) {
    super(detail, errorRegistry[code].status, code, data);
    this.name = "SoukError";
    this.retryable = "retryable" in errorRegistry[code] && errorRegistry[code].status === 503;
  }
}

/** The registry code of any error, also of one that came from another node; undefined for a bug. */
export function errorCode(error: unknown): ErrorCode | undefined {
  if (typeof error !== "object" || error === null || !("type" in error)) return undefined;
  const { type } = error;
  return typeof type === "string" && Object.hasOwn(errorRegistry, type) ? (type as ErrorCode) : undefined;
}
