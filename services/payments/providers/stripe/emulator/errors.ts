/** Errors in the format of Stripe's API. */
import { type Answer, Answered } from "../../support/emulator/http-app.ts";

interface StripeError {
  type: "invalid_request_error" | "card_error" | "idempotency_error" | "api_error";
  message: string;
  code?: string;
  decline_code?: string;
  param?: string;
  payment_intent?: object;
}

export const errorAnswer = (
  status: number,
  error: StripeError,
  headers: Record<string, string> = {},
): Answer => ({
  status,
  body: { error },
  headers,
});

/** Found before anything was done. Such answers are not kept under the idempotency key. */
export class Invalid extends Answered {}

export const invalid = (message: string, param?: string, code?: string): Invalid =>
  new Invalid(
    errorAnswer(400, {
      type: "invalid_request_error",
      message,
      ...(param ? { param } : {}),
      ...(code ? { code } : {}),
    }),
  );

export const missing = (what: string, id: string): Invalid =>
  new Invalid(
    errorAnswer(404, {
      type: "invalid_request_error",
      code: "resource_missing",
      message: `No such ${what}: '${id}'`,
      param: what === "payment_intent" ? "intent" : "id",
    }),
  );

export const unexpectedState = (message: string, intent: object): Answered =>
  new Answered(
    errorAnswer(400, {
      type: "invalid_request_error",
      code: "payment_intent_unexpected_state",
      message,
      payment_intent: intent,
    }),
  );

/** For the status of a simulated fault. */
export function faultAnswer(status: number): Answer {
  if (status === 401)
    return errorAnswer(401, {
      type: "invalid_request_error",
      message: "Invalid API Key provided: sk_test_****************souk",
    });
  if (status === 429)
    return errorAnswer(429, {
      type: "invalid_request_error",
      code: "rate_limit",
      message: "Too many requests hit the API too quickly.",
    });
  if (status === 404)
    return errorAnswer(404, { type: "invalid_request_error", message: "Unrecognized request URL." });
  if (status === 400)
    return errorAnswer(400, { type: "invalid_request_error", message: "The request can't be read." });
  return errorAnswer(status, { type: "api_error", message: "Sorry! There was an error." });
}
