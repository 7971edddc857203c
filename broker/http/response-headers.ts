/** Headers of every reply, and headers that let a browser of a listed origin read it. */
import type { OutgoingHttpHeaders } from "node:http";

/** For API replies. A page that needs more sets its own Content-Security-Policy. */
export const securityHeaders: Readonly<Record<string, string>> = {
  "X-Content-Type-Options": "nosniff",
  "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
  "X-Frame-Options": "DENY",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Cache-Control": "no-store",
};

export const HSTS = { "Strict-Transport-Security": "max-age=31536000; includeSubDomains" };

const REQUEST_HEADERS = [
  "Authorization",
  "Content-Type",
  "Idempotency-Key",
  "If-Match",
  "If-None-Match",
  "Last-Event-ID",
  "Prefer",
  "X-Cart-Id",
  "X-Order-Token",
  "X-Request-Id",
  "traceparent",
].join(", ");
const REPLY_HEADERS = [
  "ETag",
  "Idempotent-Replayed",
  "Location",
  "RateLimit",
  "RateLimit-Policy",
  "Retry-After",
  "X-Cart-Id",
  "X-Order-Token",
  "X-Request-Id",
].join(", ");

/** Which origins a browser may call from. It compares for equality, never a prefix or a part. */
export type OriginCheck = (origin: string) => boolean;

/** @param origins `CORS_ORIGINS`, separated by commas */
export function originCheck(origins: string): OriginCheck {
  const allowed = new Set(
    origins
      .split(",")
      .map((it) => it.trim().replace(/\/$/, ""))
      .filter((it) => it !== ""),
  );
  return (origin) => allowed.has(origin);
}

/** CORS headers of a reply. Credentials are not allowed, because tokens are sent only in Authorization. */
export function corsHeaders(origin: string | undefined, isAllowed: OriginCheck): OutgoingHttpHeaders {
  if (origin === undefined || !isAllowed(origin)) return { Vary: "Origin" };
  return {
    Vary: "Origin",
    "Access-Control-Allow-Origin": origin,
    "Access-Control-Expose-Headers": REPLY_HEADERS,
  };
}

/** Additional headers of a preflight's reply. @param methods those of the route */
export const preflightHeaders = (methods: readonly string[]): OutgoingHttpHeaders => ({
  "Access-Control-Allow-Methods": methods.join(", "),
  "Access-Control-Allow-Headers": REQUEST_HEADERS,
  "Access-Control-Max-Age": "600",
});
