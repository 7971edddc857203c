/** Changes of an order, by the API and by its customer. Accounts and events follow. */
import type { z } from "zod";
import type { Clock } from "../../../../../broker/resilience/clock.ts";
import type { Outcome } from "../../emulator.ts";
import { refused } from "../../support/emulator/control.ts";
import type { Call } from "../../support/emulator/http-app.ts";
import type { Kit } from "../../support/emulator/kit.ts";
import { missing, unprocessable } from "./errors.ts";
import type { SendEvent } from "./events.ts";
import { checkAmount, fromHundredths, hundredths, type newOrder, type newRefund } from "./shapes.ts";
import type { Amount, Authorization, Capture, Order, ProviderRecords, Refund } from "./state.ts";

/** How further captures and refunds end. Pending ones are settled later. */
export interface Modes {
  readonly captures: "COMPLETED" | "PENDING";
  readonly refunds: "COMPLETED" | "PENDING";
}

/** A customer who pays too much pays this much more, in hundredths. */
const TOO_MUCH = 1_000;
const OPEN: readonly string[] = ["CREATED", "PAYER_ACTION_REQUIRED"];

export function createOrders(
  records: ProviderRecords,
  { kit, clock, sendEvent, modes }: { kit: Kit; clock: Clock; sendEvent: SendEvent; modes: Modes },
) {
  const id = () => kit.token(17).toUpperCase();
  const now = () => new Date(clock.now()).toISOString();
  const of = <T>(map: Map<string, T>, ref: string): T => {
    const found = map.get(ref);
    if (!found) throw missing();
    return found;
  };

  function known(ref: string): Order {
    const found = records.orders.get(ref);
    if (!found) throw refused(404, `there is no ${ref}`);
    return found;
  }

  const capturesOf = (order: Order): Capture[] =>
    [...records.captures.values()].filter((it) => it.supplementary_data.related_ids.order_id === order.id);
  const authorizationsOf = (order: Order): Authorization[] =>
    [...records.authorizations.values()].filter(
      (it) => it.supplementary_data.related_ids.order_id === order.id,
    );
  const refundsOf = (capture: Capture): Refund[] =>
    [...records.refunds.values()].filter((it) => it.captureId === capture.id);

  /** In the API's form. */
  function shown(order: Order): object {
    const { id: orderId, intent, status, amount, custom_id, invoice_id, description, create_time } = order;
    const captures = capturesOf(order);
    const authorizations = authorizationsOf(order);
    const refunds = captures.flatMap(refundsOf).map(shownRefund);
    const payments = {
      ...(captures.length > 0 ? { captures } : {}),
      ...(authorizations.length > 0 ? { authorizations } : {}),
      ...(refunds.length > 0 ? { refunds } : {}),
    };
    return {
      id: orderId,
      intent,
      status,
      create_time,
      ...(order.email === undefined ? {} : { payment_source: { paypal: { email_address: order.email } } }),
      purchase_units: [
        {
          reference_id: "default",
          amount,
          custom_id,
          invoice_id,
          description,
          ...(Object.keys(payments).length > 0 ? { payments } : {}),
        },
      ],
      links: [
        { href: `${kit.url()}/v2/checkout/orders/${orderId}`, rel: "self", method: "GET" },
        ...(OPEN.includes(status)
          ? [{ href: `${kit.url()}/_sim/approve/${orderId}`, rel: "payer-action", method: "GET" }]
          : []),
      ],
    };
  }

  function approve(order: Order, bank: Order["bank"], cause?: Call): void {
    order.status = "APPROVED";
    order.bank = bank;
    sendEvent("CHECKOUT.ORDER.APPROVED", "checkout-order", shown(order), cause);
  }

  function captured(
    order: Order,
    amount: Amount,
    cause: Call | undefined,
    authorizationId?: string,
  ): Capture {
    const captureId = id();
    const declined = order.bank === "declines";
    const made: Capture = {
      id: captureId,
      status: declined ? "DECLINED" : order.bank === "is slow" ? "PENDING" : modes.captures,
      amount,
      final_capture: true,
      custom_id: order.custom_id,
      invoice_id: order.invoice_id,
      ...(declined ? { status_details: { reason: "DECLINED_BY_BANK" } } : {}),
      supplementary_data: {
        related_ids: {
          order_id: order.id,
          ...(authorizationId ? { authorization_id: authorizationId } : {}),
        },
      },
      create_time: now(),
      update_time: now(),
      links: [
        { href: `${kit.url()}/v2/payments/captures/${captureId}`, rel: "self", method: "GET" },
        { href: `${kit.url()}/v2/payments/captures/${captureId}/refund`, rel: "refund", method: "POST" },
        { href: `${kit.url()}/v2/checkout/orders/${order.id}`, rel: "up", method: "GET" },
      ],
    };
    records.captures.set(captureId, made);
    order.status = "COMPLETED";
    sendEvent(`PAYMENT.CAPTURE.${made.status}`, "capture", made, cause);
    return made;
  }

  /** Amount and currency, within what is left. */
  function refund(capture: Capture, asked: z.output<typeof newRefund>, cause?: Call): Refund {
    if (capture.status === "REFUNDED")
      throw unprocessable("CAPTURE_FULLY_REFUNDED", "The capture has already been fully refunded.");
    if (capture.status !== "COMPLETED" && capture.status !== "PARTIALLY_REFUNDED")
      throw unprocessable("CAPTURE_STATUS_NOT_VALID", "The capture can't be refunded in its status.");
    const left = hundredths(capture.amount) - refundedOf(capture);
    const { currency_code } = capture.amount;
    const amount = asked.amount ?? fromHundredths(left, currency_code);
    checkAmount(amount);
    if (amount.currency_code !== currency_code)
      throw unprocessable(
        "REFUND_CAPTURE_CURRENCY_MISMATCH",
        "Refund must be in the currency of the capture.",
      );
    if (hundredths(amount) > left)
      throw unprocessable(
        "REFUND_AMOUNT_EXCEEDED",
        "The refund amount must be at most what is left of the capture.",
      );
    const refundId = id();
    const made = {
      id: refundId,
      captureId: capture.id,
      status: modes.refunds,
      amount,
      custom_id: asked.custom_id ?? capture.custom_id,
      note_to_payer: asked.note_to_payer,
      create_time: now(),
      links: [
        { href: `${kit.url()}/v2/payments/refunds/${refundId}`, rel: "self", method: "GET" },
        { href: `${kit.url()}/v2/payments/captures/${capture.id}`, rel: "up", method: "GET" },
      ],
    };
    records.refunds.set(refundId, made);
    settle(capture);
    sendEvent("PAYMENT.CAPTURE.REFUNDED", "refund", shownRefund(made), cause);
    return shownRefund(made);
  }

  const refundedOf = (capture: Capture): number =>
    refundsOf(capture)
      .filter((it) => it.status === "COMPLETED" || it.status === "PENDING")
      .reduce((sum, it) => sum + hundredths(it.amount), 0);

  function settle(capture: Capture): void {
    const refunded = refundedOf(capture);
    capture.status =
      refunded === 0
        ? "COMPLETED"
        : refunded < hundredths(capture.amount)
          ? "PARTIALLY_REFUNDED"
          : "REFUNDED";
    capture.update_time = now();
  }

  function settleCapture(ref: string, status: "COMPLETED" | "DECLINED"): void {
    const made = records.captures.get(ref);
    if (made?.status !== "PENDING") throw refused(409, `${ref} is no pending capture`);
    made.status = status;
    sendEvent(`PAYMENT.CAPTURE.${status === "DECLINED" ? "DENIED" : status}`, "capture", made);
  }

  return {
    shown,
    refund,
    find: (ref: string) => of(records.orders, ref),
    capture: (ref: string) => of(records.captures, ref),
    authorization: (ref: string) => of(records.authorizations, ref),
    capturesOf,
    refundedOf: (order: Order) => capturesOf(order).reduce((sum, it) => sum + refundedOf(it), 0),

    create(asked: z.output<typeof newOrder>): Order {
      const [unit] = asked.purchase_units;
      if (!unit) throw missing();
      checkAmount(unit.amount);
      const context = asked.payment_source?.paypal.experience_context ?? asked.application_context;
      const made: Order = {
        id: id(),
        intent: asked.intent,
        status: asked.payment_source ? "PAYER_ACTION_REQUIRED" : "CREATED",
        create_time: now(),
        amount: unit.amount,
        custom_id: unit.custom_id,
        invoice_id: unit.invoice_id,
        description: unit.description,
        email: asked.payment_source?.paypal.email_address,
        return_url: context?.return_url,
        cancel_url: context?.cancel_url,
        bank: "accepts",
      };
      records.orders.set(made.id, made);
      return made;
    },

    take(order: Order, cause: Call): Order {
      if (order.intent !== "CAPTURE")
        throw unprocessable("ACTION_DOES_NOT_MATCH_INTENT", "Order was created with an intent to AUTHORIZE.");
      if (order.status === "COMPLETED")
        throw unprocessable("ORDER_ALREADY_CAPTURED", "Order already captured.");
      if (order.status !== "APPROVED")
        throw unprocessable("ORDER_NOT_APPROVED", "Payer has not yet approved the Order for payment.");
      const { invoice_id } = order;
      const duplicate = [...records.captures.values()].some(
        (it) => invoice_id && it.invoice_id === invoice_id && it.status !== "DECLINED",
      );
      if (duplicate) throw unprocessable("DUPLICATE_INVOICE_ID", "Duplicate Invoice ID detected.");
      captured(order, order.amount, cause);
      return order;
    },

    authorize(order: Order, cause: Call): Order {
      if (order.intent !== "AUTHORIZE")
        throw unprocessable("ACTION_DOES_NOT_MATCH_INTENT", "Order was created with an intent to CAPTURE.");
      if (order.status === "COMPLETED")
        throw unprocessable("ORDER_ALREADY_AUTHORIZED", "Order already authorized.");
      if (order.status !== "APPROVED")
        throw unprocessable("ORDER_NOT_APPROVED", "Payer has not yet approved the Order for payment.");
      const authorizationId = id();
      const made: Authorization = {
        id: authorizationId,
        status: "CREATED",
        amount: order.amount,
        custom_id: order.custom_id,
        invoice_id: order.invoice_id,
        supplementary_data: { related_ids: { order_id: order.id } },
        create_time: now(),
        links: [
          { href: `${kit.url()}/v2/payments/authorizations/${authorizationId}`, rel: "self", method: "GET" },
        ],
      };
      records.authorizations.set(authorizationId, made);
      order.status = "COMPLETED";
      sendEvent("PAYMENT.AUTHORIZATION.CREATED", "authorization", made, cause);
      return order;
    },

    captureAuthorization(authorization: Authorization, asked: Amount | undefined, cause: Call): Capture {
      if (authorization.status === "CAPTURED")
        throw unprocessable("AUTHORIZATION_ALREADY_CAPTURED", "Authorization has already been captured.");
      if (authorization.status !== "CREATED")
        throw unprocessable("AUTHORIZATION_VOIDED", "A voided authorization cannot be captured.");
      const amount = asked ?? authorization.amount;
      checkAmount(amount);
      if (hundredths(amount) > hundredths(authorization.amount))
        throw unprocessable("MAX_CAPTURE_AMOUNT_EXCEEDED", "Capture amount exceeds allowable limit.");
      authorization.status = "CAPTURED";
      return captured(
        of(records.orders, authorization.supplementary_data.related_ids.order_id),
        amount,
        cause,
        authorization.id,
      );
    },

    void(authorization: Authorization, cause: Call): void {
      if (authorization.status === "VOIDED")
        throw unprocessable("PREVIOUSLY_VOIDED", "Authorization has been previously voided.");
      if (authorization.status !== "CREATED")
        throw unprocessable("PREVIOUSLY_CAPTURED", "Authorization has been previously captured.");
      authorization.status = "VOIDED";
      sendEvent("PAYMENT.AUTHORIZATION.VOIDED", "authorization", authorization, cause);
    },

    pay(ref: string, outcome: Outcome, cause?: Call): void {
      const order = known(ref);
      if (outcome === "withFee") throw refused(409, "PayPal's fee is the shop's to pay");
      // The customer returns to the shop, and may come again.
      if (outcome === "cancel" && OPEN.includes(order.status)) return;
      if (outcome === "expire" && (OPEN.includes(order.status) || order.status === "APPROVED")) {
        order.status = "VOIDED";
        const resource = { order_id: order.id, purchase_units: [{ custom_id: order.custom_id }] };
        sendEvent("CHECKOUT.PAYMENT-APPROVAL.REVERSED", "payment-approval", resource, cause);
        return;
      }
      const slow = capturesOf(order).find((it) => it.status === "PENDING");
      if (slow && (outcome === "succeed" || outcome === "decline")) {
        settleCapture(slow.id, outcome === "succeed" ? "COMPLETED" : "DECLINED");
        return;
      }
      if (!OPEN.includes(order.status)) throw refused(409, `${ref} is ${order.status}`);
      if (outcome === "process") {
        approve(order, "is slow", cause);
        return;
      }
      if (outcome === "tooMuch")
        order.amount = fromHundredths(hundredths(order.amount) + TOO_MUCH, order.amount.currency_code);
      approve(order, outcome === "decline" ? "declines" : "accepts", cause);
    },

    settleRefund(ref: string, status: "COMPLETED" | "FAILED"): void {
      const made = records.refunds.get(ref);
      if (made?.status !== "PENDING") throw refused(409, `${ref} is no pending refund`);
      made.status = status;
      if (status === "FAILED") made.status_details = { reason: "ECHECK" };
      settle(of(records.captures, made.captureId));
      sendEvent("PAYMENT.CAPTURE.REFUNDED", "refund", shownRefund(made));
    },

    settleCapture,

    refundAtProvider(ref: string, amount: Amount): void {
      const [capture] = capturesOf(known(ref));
      if (!capture) throw refused(409, `${ref} was not captured`);
      refund(capture, { amount });
    },

    /** The bank has taken the money back without a case. */
    reverse(ref: string): void {
      const [capture] = capturesOf(known(ref));
      if (!capture || refundedOf(capture) === hundredths(capture.amount))
        throw refused(409, `${ref} has nothing left`);
      capture.status = "REVERSED";
      capture.update_time = now();
      sendEvent("PAYMENT.CAPTURE.REVERSED", "capture", capture);
    },

    dispute(ref: string): void {
      const order = known(ref);
      const [capture] = capturesOf(order);
      if (!capture) throw refused(409, `${ref} was not captured`);
      const made = {
        dispute_id: `PP-D-${kit.token(6).toUpperCase()}`,
        create_time: now(),
        reason: "UNAUTHORISED",
        status: "OPEN" as const,
        dispute_amount: capture.amount,
        disputed_transactions: [
          { seller_transaction_id: capture.id, custom: order.custom_id, invoice_number: order.invoice_id },
        ],
      };
      records.disputes.set(made.dispute_id, made);
      sendEvent("CUSTOMER.DISPUTE.CREATED", "dispute", made);
    },
  };
}

/** The API names the capture only by a link. */
function shownRefund({ captureId: _, ...refund }: Refund & { captureId?: string }): Refund {
  return refund;
}
