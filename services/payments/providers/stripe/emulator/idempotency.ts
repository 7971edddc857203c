/**
 * Stripe's idempotency keys. Once a request has run, its answer is kept for a day and repeated for the same request.
 * This includes Stripe's own failures. Another request with the key is an error. A concurrent one is a conflict.
 */
import type { Clock } from "../../../../../broker/resilience/clock.ts";
import { type Answer, Answered, type Call, type Handler } from "../../support/emulator/http-app.ts";
import { errorAnswer, Invalid } from "./errors.ts";

const KEEP_MS = 86_400_000;

interface Kept {
  readonly request: string;
  readonly until: number;
  /** Undefined while it runs. */
  answer?: Answer;
}

export function idempotency(clock: Clock): (handler: Handler) => Handler {
  const keys = new Map<string, Kept>();

  async function first(key: string, request: string, handler: Handler, call: Call): Promise<Answer> {
    const kept: Kept = { request, until: clock.now() + KEEP_MS };
    keys.set(key, kept);
    try {
      kept.answer = await handler(call);
    } catch (error) {
      if (!(error instanceof Answered) || error instanceof Invalid) {
        keys.delete(key);
        throw error;
      }
      kept.answer = error.answer;
    }
    return kept.answer;
  }

  return (handler) => async (call) => {
    const key = call.headers["idempotency-key"];
    if (key === undefined || call.method !== "POST") return handler(call);
    if (key.length > 255)
      return errorAnswer(400, {
        type: "idempotency_error",
        message: "Keys are at most 255 characters long.",
      });
    const request = `${call.method} ${call.path} ${call.rawBody.toString("base64")}`;
    const kept = keys.get(key);
    if (!kept || kept.until <= clock.now()) return first(key, request, handler, call);
    if (kept.request !== request)
      return errorAnswer(400, {
        type: "idempotency_error",
        message:
          "Keys for idempotent requests can only be used with the same parameters they were first used with.",
      });
    if (!kept.answer)
      return errorAnswer(409, {
        type: "idempotency_error",
        code: "idempotency_key_in_use",
        message: "There is currently another in-progress request using this Idempotent Key.",
      });
    return { ...kept.answer, headers: { ...kept.answer.headers, "idempotent-replayed": "true" } };
  };
}
