/**
 * JSON over HTTP to a payment provider, for adapters without an SDK. A signal ends a request. Answers have a maximum
 * size. Redirects are refused, because credentials would follow them. An unreadable answer is an unknown outcome.
 */
import type { z } from "zod";
import { withoutLastSlashes } from "../../../../broker/http/public-url.ts";
import { ProviderMisconfigured, providerFailed } from "../provider.ts";
import { boundedBody } from "./bounded-body.ts";

const MAX_ANSWER_BYTES = 1_000_000;

export interface HttpRequest {
  readonly method: "GET" | "POST";
  /** Begins with a slash. Variable parts are escaped with {@link segment}. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly signal: AbortSignal;
}

export interface HttpAnswer {
  readonly status: number;
  /** Undefined where the body is empty or no JSON. */
  readonly json: unknown;
}

export interface ProviderHttp {
  /**
   * Returns answers of any status. The adapter interprets them.
   * @throws {SoukError} PROVIDER_FAILED without a complete answer; {@link neverSent} tells whether anything was sent
   */
  request(request: HttpRequest): Promise<HttpAnswer>;
}

/** @param base address without a slash at the end */
export function createHttp(provider: string, base: string): ProviderHttp {
  const root = withoutLastSlashes(base);
  return {
    async request({ method, path, headers, body, signal }) {
      try {
        const response = await fetch(`${root}${path}`, {
          method,
          headers: {
            accept: "application/json",
            ...(body === undefined ? {} : { "content-type": "application/json" }),
            ...headers,
          },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
          redirect: "error",
          signal,
        });
        return { status: response.status, json: parsed(await boundedBody(response, MAX_ANSWER_BYTES)) };
      } catch (error) {
        throw providerFailed(`${provider} can't be reached`, error);
      }
    },
  };
}

/** Some answers are text, usually from a proxy. Adapters get them as "no JSON". */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * The answer's body, parsed by the schema.
 * @throws {SoukError} PROVIDER_FAILED: the meaning of an unreadable answer is unknown
 */
export function expected<S extends z.ZodType>(
  provider: string,
  schema: S,
  { status, json }: HttpAnswer,
): z.output<S> {
  const { success, data, error } = schema.safeParse(json);
  if (!success) {
    const where = error.issues.map((it) => it.path.join(".") || "body").join(", ");
    throw providerFailed(`${provider} answered ${status} with something unexpected in ${where}`);
  }
  return data;
}

/**
 * Throws for answers with the same meaning everywhere: 401 and 403 (our configuration), 408, 429 and 5xx (retry).
 * @param told the provider's own text, for the log; it has no secrets
 */
export function checkStatus(provider: string, { status }: HttpAnswer, told = ""): void {
  const words = told ? `: ${told.slice(0, 200)}` : "";
  if (status === 401 || status === 403)
    throw new ProviderMisconfigured(`${provider} does not accept our credentials (${status})${words}`);
  if (status === 408 || status === 429 || status >= 500)
    throw providerFailed(`${provider} answered ${status}${words}`);
}

const NEVER_SENT = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
]);

/** Whether a failed request certainly did not reach the provider: there was no connection. */
export function neverSent(error: unknown): boolean {
  for (let it = error; it instanceof Error; it = it.cause)
    if (NEVER_SENT.has((it as { code?: string }).code ?? "")) return true;
  return false;
}

/** A value as one segment of a path. */
export const segment = (value: string): string => encodeURIComponent(value);

export const basicAuth = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
