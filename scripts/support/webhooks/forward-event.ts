/** Posts an event to a local address as the shop would: signed, in the same form. */
import { derivedId } from "../../../broker/contract/ids.ts";
import { headersOf, signatures } from "../../../services/webhooks/outbound/sign.ts";

const TIMEOUT_MS = 15_000;

export interface ForwardedEvent {
  readonly id: string;
  readonly type: string;
  readonly subject: string;
}

export const isEvent = (it: unknown): it is ForwardedEvent =>
  typeof it === "object" &&
  it !== null &&
  ["id", "type", "subject"].every((name) => typeof (it as Record<string, unknown>)[name] === "string");

/** @param key of the signature @returns the answer's status, or why there was none */
export async function forwardEvent(event: ForwardedEvent, address: string, key: Buffer): Promise<string> {
  const body = JSON.stringify(event);
  const signed = { id: derivedId("forwarded", event.id), timestamp: Math.floor(Date.now() / 1_000), body };
  try {
    const response = await fetch(address, {
      method: "POST",
      headers: { ...headersOf(signed), "webhook-signature": signatures([key], signed) },
      body,
      redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    await response.body?.cancel();
    return String(response.status);
  } catch (error) {
    const { message, cause } = error as Error;
    return cause instanceof Error && cause.message !== "" ? cause.message : message;
  }
}
