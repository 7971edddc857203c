/** Asks the customer's phone for the PIN, once per payment. */
import type { Collection } from "mongodb";
import type { Money } from "../../../../broker/contract/schemas.ts";
import { isDuplicateKey } from "../../../../broker/mongo/duplicate-key.ts";
import type { Clock } from "../../../../broker/resilience/clock.ts";
import { type OpenedPayment, type PaymentIntent, ProviderRefused, providerFailed } from "../provider.ts";
import { toWhole } from "../support/amounts.ts";
import { callbackKey } from "./callback-key.ts";
import { type Daraja, NotExecuted } from "./daraja.ts";
import { mpesaOptions } from "./phone.ts";
import type { Push } from "./push.model.ts";
import { PROMPT_ENDS_MS } from "./report.ts";

export interface Pusher {
  pushes: Collection<Push>;
  daraja: Daraja;
  clock: Clock;
  callbackSecret: string;
  webhookUrl(key: string): string;
}

const MAX_REFERENCE = 12;

/**
 * Daraja has no idempotency keys, so the attempt is stored before the push. A repetition finds its result: the
 * payment gets Safaricom's number from the answer or the callback. While the number is unknown, nothing is pushed
 * again, because the phone may already ask. The caller is told to retry.
 *
 * If no callback comes until the prompt must have ended, the payment is refused, and the customer may start another.
 * Money that arrives later is recognised by its callback's address.
 */
export async function pushToPhone(
  it: Pusher,
  intent: PaymentIntent,
  signal: AbortSignal,
): Promise<OpenedPayment> {
  const { pushes, daraja, clock, callbackSecret, webhookUrl } = it;
  const { paymentId, amount, orderNumber } = intent;
  const { phone } = mpesaOptions.parse(intent.options);
  const whole = shillings(amount);
  const earlier = await begin(pushes, {
    _id: paymentId,
    amount: amount.amount,
    state: "sending",
    sentAt: new Date(clock.now()),
    reversals: [],
  });
  if (earlier) return opened(known(earlier, amount.amount, clock.now()), phone);
  try {
    const checkoutRequestId = await daraja.push(
      {
        shillings: whole,
        phone,
        callbackUrl: webhookUrl(callbackKey(callbackSecret, { paymentId, refundId: null })),
        reference: orderNumber.replace(/[^A-Za-z0-9]/g, "").slice(-MAX_REFERENCE),
      },
      signal,
    );
    await pushes.updateOne({ _id: paymentId }, { $set: { state: "accepted", checkoutRequestId } });
    return opened(checkoutRequestId, phone);
  } catch (error) {
    if (!(error instanceof NotExecuted)) throw error;
    await pushes.updateOne({ _id: paymentId, state: "sending" }, { $set: { state: "refused" } });
    throw error.meaning;
  }
}

/** @returns the existing attempt; null where this one may push */
async function begin(pushes: Collection<Push>, attempt: Push): Promise<Push | null> {
  try {
    await pushes.insertOne(attempt);
    return null;
  } catch (error) {
    if (!isDuplicateKey(error)) throw error;
  }
  const { _id, ...again } = attempt;
  const { matchedCount } = await pushes.updateOne(
    { _id, state: "refused", amount: again.amount },
    { $set: again },
  );
  return matchedCount === 1 ? null : await pushes.findOne({ _id });
}

function known({ amount, checkoutRequestId, sentAt }: Push, asked: number, now: number): string {
  if (amount !== asked) throw new ProviderRefused("pushed before with another amount");
  if (checkoutRequestId) return checkoutRequestId;
  if (now - sentAt.getTime() < PROMPT_ENDS_MS)
    throw providerFailed("it is not known yet whether mpesa has asked the phone");
  throw new ProviderRefused("M-Pesa did not say whether it has asked the phone; please try again");
}

/** @throws {ProviderRefused} */
export function shillings(money: Money): number {
  if (money.currency !== "KES") throw new ProviderRefused(`mpesa takes KES only, not ${money.currency}`);
  const whole = toWhole(money);
  if (!whole) throw new ProviderRefused("mpesa takes whole shillings only, one at least");
  return whole;
}

const opened = (checkoutRequestId: string, phone: string): OpenedPayment => ({
  providerRef: checkoutRequestId,
  nextAction: {
    type: "phone_prompt",
    message: `Enter your M-Pesa PIN on the phone that ends in ${phone.slice(-3)}.`,
  },
  // The prompt ends soon, and a callback reports that.
  expiresAt: null,
});
