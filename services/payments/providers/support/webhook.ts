/** Parses the bodies of webhooks. */
import { errorCode } from "../../../../broker/contract/errors.ts";
import { WebhookRejected } from "../provider.ts";

/** @throws {WebhookRejected} */
export function parsedBody(rawBody: Buffer): unknown {
  try {
    return JSON.parse(rawBody.toString("utf8"));
  } catch (error) {
    throw new WebhookRejected("not JSON", { cause: error });
  }
}

/**
 * For code shared by answers and webhooks. An invalid answer is a failure of the provider; an invalid webhook is
 * rejected.
 * @throws {WebhookRejected}
 */
export function understood<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (errorCode(error) !== "PROVIDER_FAILED") throw error;
    throw new WebhookRejected((error as Error).message, { cause: error });
  }
}

/** What a webhook tells that changes nothing. */
export const EMPTY_REPORT = {
  paymentId: null,
  status: "pending",
  amount: null,
  receipt: null,
  reason: null,
  refunds: [],
} as const;
