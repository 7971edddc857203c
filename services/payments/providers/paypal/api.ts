/** PayPal's REST API: JSON with a token, bounded and with time-outs. Errors are those of the port. */
import { z } from "zod";
import { ProviderMisconfigured, ProviderRefused, providerFailed } from "../provider.ts";
import { boundedBody } from "../support/bounded-body.ts";
import type { Tokens } from "./token.ts";

const MAX_ANSWER_BYTES = 1_000_000;

export interface PayPalRequest {
  readonly method: "GET" | "POST";
  /** Begins with a slash. Variable parts are encoded. */
  readonly path: string;
  /** JSON text. */
  readonly body?: string;
  /** PayPal-Request-Id. PayPal repeats the answer to the same id, for hours (orders) or weeks (payments). */
  readonly requestId?: string;
  readonly signal: AbortSignal;
}

export interface Api {
  /**
   * The answer's body, parsed by the schema.
   * @throws {PayPalRefused} with PayPal's issue
   */
  request<S extends z.ZodType>(schema: S, request: PayPalRequest): Promise<z.output<S>>;
}

/** A definite refusal, with PayPal's code for the cause. */
export class PayPalRefused extends ProviderRefused {
  readonly status: number;
  readonly issue: string;

  constructor(status: number, issue: string, message: string) {
    super(message);
    this.status = status;
    this.issue = issue;
  }
}

const code = z.string().max(100);
const errorBody = z.object({
  name: code.optional(),
  message: z.string().optional(),
  details: z.array(z.object({ issue: code.optional(), description: z.string().optional() })).optional(),
});

export function createApi(base: string, tokens: Tokens): Api {
  async function once({ method, path, body, requestId, signal }: PayPalRequest, token: string) {
    try {
      const response = await fetch(`${base}${path}`, {
        method,
        headers: {
          accept: "application/json",
          authorization: `Bearer ${token}`,
          "content-type": "application/json",
          prefer: "return=representation",
          ...(requestId === undefined ? {} : { "paypal-request-id": requestId }),
        },
        ...(body === undefined ? {} : { body }),
        redirect: "error",
        signal: signal,
      });
      return { status: response.status, text: await boundedBody(response, MAX_ANSWER_BYTES) };
    } catch (error) {
      throw providerFailed("paypal can't be reached", error);
    }
  }

  return {
    async request(schema, request) {
      let token = await tokens.get();
      let answer = await once(request, token);
      if (answer.status === 401) {
        // Ended early, or revoked.
        tokens.drop(token);
        token = await tokens.get();
        answer = await once(request, token);
      }
      const json = jsonOf(answer.text);
      if (answer.status < 200 || answer.status >= 300) throw failure(answer.status, json);
      const { success, data, error } = schema.safeParse(json);
      if (success) return data;
      const where = error.issues.map((it) => it.path.join(".") || "the answer").join(", ");
      throw providerFailed(`paypal answered ${answer.status} with something unexpected in ${where}`);
    },
  };
}

function jsonOf(text: string): unknown {
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    // Some answers are text, usually from a proxy. No schema accepts it.
    return undefined;
  }
}

function failure(status: number, json: unknown): Error {
  const { name, message, details } = errorBody.safeParse(json).data ?? {};
  const [detail] = details ?? [];
  const issue = detail?.issue ?? name ?? "";
  if (status === 401 || status === 403)
    return new ProviderMisconfigured(`paypal does not accept our credentials (${status} ${issue})`);
  // 409: another request with this id is in progress.
  if (status === 408 || status === 409 || status === 429 || status >= 500 || status < 400)
    return providerFailed(`paypal answered ${status} ${issue}`);
  const told = detail?.description ?? message ?? `refused (${status})`;
  return new PayPalRefused(status, issue, told.slice(0, 300));
}
