/** Changes of a payment intent, by the API and by the customer's card. Accounts and events follow. */
import type { Clock } from "../../../../../broker/resilience/clock.ts";
import type { Outcome } from "../../emulator.ts";
import { refused } from "../../support/emulator/control.ts";
import { Answered, type Call } from "../../support/emulator/http-app.ts";
import type { Kit } from "../../support/emulator/kit.ts";
import { errorAnswer, invalid, missing, unexpectedState } from "./errors.ts";
import type { SendEvent } from "./events.ts";
import { checkMoney, type Params } from "./params.ts";
import type { Charge, Intent, LastError, ProviderRecords, Refund } from "./state.ts";

/** How further refunds end. {@link Intents.settleRefund} settles a pending one. */
export type RefundMode = "succeeded" | "pending";

export interface Intents {
  create(params: Params): Intent;
  find(id: string): Intent;
  confirm(intent: Intent, paymentMethod: string | undefined, call: Call): Intent;
  capture(intent: Intent, amount: number | undefined, cause?: Call): Intent;
  cancel(intent: Intent, reason: string | undefined, cause?: Call): Intent;
  pay(id: string, outcome: Outcome, cause?: Call): void;
  refund(
    intent: Intent,
    asked: Partial<Pick<Refund, "amount" | "reason" | "metadata">>,
    cause?: Call,
  ): Refund;
  settleRefund(id: string, status: "succeeded" | "failed"): void;
  dispute(id: string): void;
}

const PAYABLE: readonly string[] = ["requires_payment_method", "requires_confirmation", "requires_action"];
/** What a bank does with a payment that it works on. */
const BANK: ReadonlySet<Outcome> = new Set(["succeed", "decline"]);
/** A customer who pays too much pays a whole unit more, in any currency. */
const TOO_MUCH = 1_000;

const DECLINES: Record<string, LastError> = {
  pm_card_chargeDeclined: declined("generic_decline", "Your card was declined."),
  pm_card_visa_chargeDeclined: declined("generic_decline", "Your card was declined."),
  pm_card_visa_chargeDeclinedInsufficientFunds: declined(
    "insufficient_funds",
    "Your card has insufficient funds.",
  ),
};

function declined(decline_code: string, message: string): LastError {
  return { type: "card_error", code: "card_declined", decline_code, message };
}

export function createIntents(
  records: ProviderRecords,
  {
    kit,
    clock,
    sendEvent,
    refundMode,
  }: { kit: Kit; clock: Clock; sendEvent: SendEvent; refundMode(): RefundMode },
): Intents {
  const seconds = () => Math.floor(clock.now() / 1_000);
  const id = (prefix: string) => `${prefix}_${kit.token(24)}`;

  function find(ref: string): Intent {
    const found = records.intents.get(ref);
    if (!found) throw missing("payment_intent", ref);
    return found;
  }

  function known(ref: string): Intent {
    const found = records.intents.get(ref);
    if (!found) throw refused(404, `there is no ${ref}`);
    return found;
  }

  function charge(intent: Intent, status: Charge["status"], captured: number): Charge {
    const made: Charge = {
      id: id("ch"),
      object: "charge",
      amount: intent.amount,
      amount_captured: captured,
      amount_refunded: 0,
      captured: captured > 0,
      created: seconds(),
      currency: intent.currency,
      disputed: false,
      livemode: false,
      metadata: { ...intent.metadata },
      paid: status === "succeeded",
      payment_intent: intent.id,
      refunded: false,
      status,
    };
    records.charges.set(made.id, made);
    intent.latest_charge = made.id;
    return made;
  }

  function accept(intent: Intent, cause?: Call): void {
    intent.next_action = null;
    intent.last_payment_error = null;
    if (intent.capture_method === "manual") {
      charge(intent, "succeeded", 0);
      intent.status = "requires_capture";
      intent.amount_capturable = intent.amount;
      sendEvent("payment_intent.amount_capturable_updated", intent, cause);
      return;
    }
    charge(intent, "succeeded", intent.amount);
    intent.status = "succeeded";
    intent.amount_received = intent.amount;
    sendEvent("payment_intent.succeeded", intent, cause);
  }

  function decline(intent: Intent, error: LastError, cause?: Call): void {
    charge(intent, "failed", 0);
    intent.status = "requires_payment_method";
    intent.payment_method = null;
    intent.next_action = null;
    intent.last_payment_error = error;
    sendEvent("payment_intent.payment_failed", intent, cause);
  }

  function cancel(intent: Intent, reason: string | undefined, cause?: Call): Intent {
    if (!PAYABLE.includes(intent.status) && intent.status !== "requires_capture")
      throw unexpectedState(
        `You cannot cancel this PaymentIntent because it has a status of ${intent.status}.`,
        intent,
      );
    intent.status = "canceled";
    intent.canceled_at = seconds();
    intent.cancellation_reason = reason ?? null;
    intent.amount_capturable = 0;
    intent.next_action = null;
    sendEvent("payment_intent.canceled", intent, cause);
    return intent;
  }

  function settle(refund: Refund): void {
    const of = records.charges.get(refund.charge);
    if (!of) return;
    const counted = [...records.refunds.values()].filter(
      (it) => it.charge === of.id && it.status !== "failed",
    );
    of.amount_refunded = counted.reduce((sum, it) => sum + it.amount, 0);
    of.refunded = of.amount_refunded >= of.amount_captured;
  }

  return {
    find,
    cancel,

    create(params) {
      const amount = params.amount("amount");
      const currency = params.text("currency") ?? "";
      checkMoney(amount, currency);
      const capture_method = params.text("capture_method") ?? "automatic_async";
      if (!["automatic", "automatic_async", "manual"].includes(capture_method))
        throw invalid("Invalid capture_method", "capture_method");
      const intentId = id("pi");
      const made: Intent = {
        id: intentId,
        object: "payment_intent",
        amount,
        amount_capturable: 0,
        amount_received: 0,
        automatic_payment_methods:
          params.group("automatic_payment_methods").enabled === "true" ? { enabled: true } : null,
        canceled_at: null,
        cancellation_reason: null,
        capture_method,
        client_secret: `${intentId}_secret_${kit.token(25)}`,
        confirmation_method: "automatic",
        created: seconds(),
        currency,
        customer: null,
        description: params.text("description") ?? null,
        last_payment_error: null,
        latest_charge: null,
        livemode: false,
        metadata: params.group("metadata"),
        next_action: null,
        payment_method: params.text("payment_method") ?? null,
        payment_method_types: ["card"],
        receipt_email: params.text("receipt_email") ?? null,
        status: params.text("payment_method") ? "requires_confirmation" : "requires_payment_method",
      };
      records.intents.set(made.id, made);
      return made;
    },

    confirm(intent, paymentMethod, call) {
      if (!PAYABLE.includes(intent.status))
        throw unexpectedState(`This PaymentIntent's status is ${intent.status}.`, intent);
      intent.payment_method = paymentMethod ?? intent.payment_method;
      if (!intent.payment_method)
        throw unexpectedState(
          "You cannot confirm this PaymentIntent: it is missing a payment method.",
          intent,
        );
      const error = DECLINES[intent.payment_method];
      if (error) {
        decline(intent, error, call);
        throw new Answered(errorAnswer(402, { ...error, payment_intent: structuredClone(intent) }));
      }
      if (intent.payment_method === "pm_card_threeDSecure2Required") {
        intent.status = "requires_action";
        intent.next_action = { type: "use_stripe_sdk", use_stripe_sdk: { type: "three_d_secure_redirect" } };
        sendEvent("payment_intent.requires_action", intent, call);
        return intent;
      }
      if (!intent.payment_method.startsWith("pm_card_"))
        throw invalid(
          `No such PaymentMethod: '${intent.payment_method}'`,
          "payment_method",
          "resource_missing",
        );
      accept(intent, call);
      return intent;
    },

    capture(intent, amount = intent.amount_capturable, cause) {
      if (intent.status !== "requires_capture")
        throw unexpectedState(
          `This PaymentIntent could not be captured because it has a status of ${intent.status}.`,
          intent,
        );
      checkMoney(amount, intent.currency);
      if (amount > intent.amount_capturable)
        throw invalid(
          "The amount to capture must be at most the capturable amount.",
          "amount_to_capture",
          "amount_too_large",
        );
      const of = records.charges.get(intent.latest_charge ?? "");
      if (of) {
        of.captured = true;
        of.amount_captured = amount;
        // What is not captured returns to the customer at once.
        of.amount_refunded = 0;
      }
      intent.status = "succeeded";
      intent.amount_received = amount;
      intent.amount_capturable = 0;
      sendEvent("payment_intent.succeeded", intent, cause);
      return intent;
    },

    pay(ref, outcome, cause) {
      const intent = known(ref);
      const isProcessing = intent.status === "processing";
      if (!PAYABLE.includes(intent.status) && !(isProcessing && BANK.has(outcome)))
        throw refused(409, `${ref} is ${intent.status}`);
      if (outcome === "withFee") throw refused(409, "Stripe's fee is the shop's to pay");
      if (outcome === "process") {
        intent.payment_method = "pm_sepa_debit";
        intent.status = "processing";
        intent.next_action = null;
        intent.last_payment_error = null;
        sendEvent("payment_intent.processing", intent, cause);
        return;
      }
      if (outcome === "succeed" || outcome === "tooMuch") {
        intent.payment_method = "pm_card_visa";
        if (outcome === "tooMuch") intent.amount += TOO_MUCH;
        accept(intent, cause);
      } else if (outcome === "decline") {
        decline(intent, declined("generic_decline", "Your card was declined."), cause);
      } else cancel(intent, outcome === "expire" ? "automatic" : "requested_by_customer", cause);
    },

    refund(intent, { amount, reason, metadata }, cause) {
      const of = records.charges.get(intent.latest_charge ?? "");
      if (!of?.captured || intent.status !== "succeeded")
        throw unexpectedState("This PaymentIntent does not have a successful charge to refund.", intent);
      const left = of.amount_captured - of.amount_refunded;
      if (left === 0)
        throw invalid(`Charge ${of.id} has already been refunded.`, undefined, "charge_already_refunded");
      const asked = amount ?? left;
      checkMoney(asked, intent.currency);
      if (asked > left)
        throw invalid(
          `Refund amount (${asked}) is greater than unrefunded amount on charge (${left})`,
          "amount",
        );
      const made: Refund = {
        id: id("re"),
        object: "refund",
        amount: asked,
        charge: of.id,
        created: seconds(),
        currency: intent.currency,
        metadata: metadata ?? {},
        payment_intent: intent.id,
        reason: reason ?? null,
        status: refundMode(),
      };
      records.refunds.set(made.id, made);
      settle(made);
      sendEvent("refund.created", made, cause);
      sendEvent("charge.refunded", of, cause);
      return made;
    },

    settleRefund(ref, status) {
      const refund = records.refunds.get(ref);
      if (refund?.status !== "pending") throw refused(409, `${ref} is no pending refund`);
      refund.status = status;
      if (status === "failed") refund.failure_reason = "expired_or_canceled_card";
      settle(refund);
      sendEvent("refund.updated", refund);
      if (status === "failed") sendEvent("refund.failed", refund);
    },

    dispute(ref) {
      const intent = known(ref);
      const of = records.charges.get(intent.latest_charge ?? "");
      if (!of?.captured) throw refused(409, `${ref} was not captured`);
      if (of.amount_refunded === of.amount_captured) throw refused(409, `${ref} is given back already`);
      of.disputed = true;
      const made = {
        id: id("dp"),
        object: "dispute" as const,
        amount: of.amount_captured - of.amount_refunded,
        charge: of.id,
        created: seconds(),
        currency: of.currency,
        livemode: false as const,
        metadata: {},
        payment_intent: intent.id,
        reason: "fraudulent" as const,
        status: "needs_response" as const,
      };
      records.disputes.set(made.id, made);
      sendEvent("charge.dispute.created", made);
    },
  };
}
