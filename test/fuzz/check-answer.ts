/** Whether an answer is one that `docs/openapi.json` promises. */
import type { Api } from "./operations.ts";
import type { FuzzRequest } from "./requests.ts";
import type { WireAnswer } from "./wire.ts";

/** Statuses of requests that fail before any route, and of preflights. */
const ANY_REQUEST = new Set([400, 404, 405, 408, 413, 414, 415, 431]);

/** @returns what is wrong with it; empty when nothing is */
export function flawOf(api: Api, request: FuzzRequest, answer: WireAnswer): string {
  const { status } = answer;
  if (status >= 500) return `status ${status}`;
  const refused = status >= 400 ? flawOfRefusal(api, answer, request.method === "HEAD") : "";
  if (refused) return refused;
  const { operation, aimed } = request;
  // The answer of another route or method is checked where that is the target.
  if (!aimed) return "";
  const answers = operation.answers.get(status);
  if (!answers) {
    if (ANY_REQUEST.has(status)) return "";
    // A precondition that no route has named fails like any other (RFC 9110, 13.1.1).
    if (status === 412 && request.headers.some(([name]) => name === "If-Match")) return "";
    return `status ${status} is not documented`;
  }
  const undocumented = headerFlaw(answer, operation.headers.get(status) ?? new Set());
  if (undocumented) return undocumented;
  if (answers.size === 0) return answer.body.length === 0 ? "" : "a body that is not documented";
  const type = (answer.headers.get("content-type") ?? "").split(";")[0] ?? "";
  const check = answers.get(type);
  if (isRefusalAsPage(answer)) return "";
  if (!check) return `media type ${type || "(none)"} is not documented for ${status}`;
  return type.endsWith("json") ? flawOfJson(answer, check) : "";
}

/** What HTTP itself, caches, browsers and proxies go by, on any answer. */
const ANY_ANSWER =
  /^(?:cache-control|connection|content-(?:length|security-policy|type)|cross-origin-resource-policy|date|keep-alive|referrer-policy|strict-transport-security|transfer-encoding|vary|x-accel-buffering|x-content-type-options|x-frame-options|access-control-[a-z-]+)$/;

function headerFlaw({ headers, status }: WireAnswer, documented: ReadonlySet<string>): string {
  const more = [...headers.keys()].filter((name) => !ANY_ANSWER.test(name) && !documented.has(name));
  return more.length === 0 ? "" : `${more.join(", ")} is not documented for ${status}`;
}

/** For an answer to bytes that may not have been the intended request. */
export function flawOfAny(api: Api, answer: WireAnswer, noBody: boolean): string {
  if (answer.status >= 500) return `status ${answer.status}`;
  return answer.status >= 400 ? flawOfRefusal(api, answer, noBody) : "";
}

/** The address of a page refuses who prefers HTML with a page, see gateway.ts. The API's description leaves it out. */
const isRefusalAsPage = ({ status, headers }: WireAnswer): boolean =>
  status >= 400 &&
  headers.get("content-type") === "text/html; charset=utf-8" &&
  /\baccept\b/i.test(headers.get("vary") ?? "");

function flawOfRefusal({ problem }: Api, answer: WireAnswer, noBody: boolean): string {
  const type = answer.headers.get("content-type");
  if (isRefusalAsPage(answer)) return "";
  if (type !== "application/problem+json") return `a refusal of type ${type}`;
  return noBody ? "" : flawOfJson(answer, (it) => problem(it) || statusFlaw(it, answer.status));
}

const statusFlaw = (it: unknown, status: number): string =>
  (it as { status: number }).status === status ? "" : "the problem's status is another one";

function flawOfJson({ body, status }: WireAnswer, check: (it: unknown) => string): string {
  let value: unknown;
  try {
    value = JSON.parse(body.toString());
  } catch {
    return "the body is no JSON";
  }
  const flaw = check(value);
  return flaw && `${status} does not fit: ${flaw}`;
}
