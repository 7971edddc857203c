/**
 * Xendit: invoices with a page, refunds that end later, webhooks with the account's token on its schedule. An invoice
 * has no failed payment. A customer who is declined, or leaves, may try again until it expires.
 */
import { z } from "zod";
import type { Emulator, EmulatorOptions } from "../../emulator.ts";
import { refused } from "../../support/emulator/control.ts";
import { type Answer, Answered, type Call } from "../../support/emulator/http-app.ts";
import { createKit } from "../../support/emulator/kit.ts";
import { payPage } from "../../support/emulator/pay-page.ts";
import type { DeliveryResult } from "../../support/emulator/webhook-sender.ts";
import {
  type Invoice,
  invoiceBody,
  invoiceCallback,
  isAmount,
  isPaid,
  major,
  type Refund,
  recordOf,
  refundedOrPending,
} from "./records.ts";

export interface XenditOptions {
  /** Whether invoices support `X-IDEMPOTENCY-KEY`. The documentation does not say. */
  readonly idempotencyKeys?: boolean;
  /** How long an answer to a webhook may take, milliseconds. */
  readonly timeoutMs?: number;
}

const MINUTE_MS = 60_000;
/** What Xendit adds for itself, in major units. */
const FEE = 4_440;
const RETRY_MINUTES = [15, 45, 120, 180, 360, 720];

/** A webhook without an answer in time is not repeated at all. */
export function retry(failures: number, { status }: DeliveryResult): number | null {
  const minutes = status === "timeout" ? undefined : RETRY_MINUTES[failures - 1];
  return minutes === undefined ? null : minutes * MINUTE_MS;
}

const currency = z.enum(["IDR", "PHP", "THB", "VND", "MYR", "USD"]);
const invoiceRequest = z.object({
  external_id: z.string().min(1).max(255),
  amount: z.number(),
  currency: currency.default("IDR"),
  description: z.string().default(""),
  invoice_duration: z.number().min(1).default(86_400),
  payer_email: z.email().optional(),
  should_send_email: z.boolean().default(false),
  success_redirect_url: z.url().optional(),
  failure_redirect_url: z.url().optional(),
  metadata: z.unknown().optional(),
});
const refundRequest = z.object({
  invoice_id: z.string(),
  reference_id: z.string().max(255).optional(),
  amount: z.number().optional(),
  currency: currency.optional(),
  reason: z.enum(["FRAUDULENT", "DUPLICATE", "REQUESTED_BY_CUSTOMER", "CANCELLATION", "OTHERS"]),
  metadata: z.unknown().optional(),
});

export async function startXendit(
  options: EmulatorOptions,
  { idempotencyKeys = true, timeoutMs = 30_000 }: XenditOptions = {},
): Promise<Emulator> {
  const { clock } = options;
  const kit = createKit(options, { retry, timeoutMs });
  const secretKey = `xnd_production_${kit.token(40)}`;
  const callbackToken = kit.token(48);
  const invoices = new Map<string, Invoice>();
  const refunds: Refund[] = [];
  /** Answers by idempotency key. */
  const replies = new Map<string, Answer>();
  /** Whether further refunds fail. */
  let refundsFail = false;

  const now = (): string => new Date(clock.now()).toISOString();
  const idOf = (prefix: string): string => `${prefix}${kit.token(24).toLowerCase()}`;

  function authorized(call: Call): void {
    const expected = `Basic ${Buffer.from(`${secretKey}:`).toString("base64")}`;
    if (call.headers.authorization !== expected) throw new Answered(errorAnswer(401));
  }

  function read<S extends z.ZodType>(schema: S, call: Call): z.output<S> {
    const { data, success, error } = schema.safeParse(call.json());
    if (!success) throw new Answered(mistake(400, "API_VALIDATION_ERROR", z.prettifyError(error)));
    return data;
  }

  /** Expires it when its time is over. */
  function find(id: string): Invoice | undefined {
    const it = invoices.get(id);
    const isOver = it?.status === "PENDING" && Date.parse(it.expiry_date) <= clock.now();
    // Not while a bank works on its payment.
    if (isOver && !it.payment_id) it.status = "EXPIRED";
    return it;
  }

  function known(call: Call): Invoice {
    authorized(call);
    const it = find(call.params.id ?? "");
    if (!it) throw new Answered(mistake(404, "INVOICE_NOT_FOUND_ERROR", "Could not find invoice"));
    return it;
  }

  const answer = (it: Invoice): Answer => ({ status: 200, body: invoiceBody(it, kit.url()) });
  const of = (it: Invoice): Refund[] => refunds.filter((one) => one.invoice_id === it.id);

  function notify(body: object, cause?: Call): void {
    const headers = () => ({ "x-callback-token": callbackToken, "webhook-id": kit.token(20) });
    kit.webhookSender.send({ url: null, body: JSON.stringify(body), headers }, cause);
  }

  /** The answer to the first request with this key, also for the others. */
  function once(key: string | undefined, work: () => Answer): Answer {
    const replied = key ? replies.get(key) : undefined;
    if (replied) return replied;
    const made = work();
    if (key) replies.set(key, made);
    return made;
  }

  function create(call: Call): Answer {
    authorized(call);
    const key = idempotencyKeys ? call.headers["x-idempotency-key"] : undefined;
    return once(key && `invoice ${key}`, () => {
      const { invoice_duration, ...body } = read(invoiceRequest, call);
      if (!isAmount(body.amount, body.currency))
        return mistake(400, "API_VALIDATION_ERROR", "amount is invalid");
      const it: Invoice = {
        ...body,
        metadata: body.metadata ?? null,
        id: idOf(""),
        status: "PENDING",
        created: now(),
        updated: now(),
        expiry_date: new Date(clock.now() + invoice_duration * 1_000).toISOString(),
      };
      invoices.set(it.id, it);
      kit.opened(it.id, call);
      return answer(it);
    });
  }

  function list({ query, ...call }: Call): Answer {
    authorized({ query, ...call });
    const externalId = query.get("external_id");
    const limit = Number(query.get("limit") ?? 10);
    const found = [...invoices.keys()]
      .flatMap((id) => find(id) ?? [])
      .filter((it) => externalId === null || it.external_id === externalId);
    return { status: 200, body: found.slice(0, limit).map((it) => invoiceBody(it, kit.url())) };
  }

  function settle(
    it: Invoice,
    status: "PAID" | "SETTLED" | "EXPIRED",
    amount = it.amount,
    cause?: Call,
    fee = 0,
  ): void {
    if (status === "SETTLED" ? it.status !== "PAID" : it.status !== "PENDING")
      throw refused(409, `the invoice is ${it.status}`);
    it.status = status;
    it.updated = now();
    if (status === "PAID") {
      it.paid_amount = amount + fee;
      if (fee > 0) it.fees = [{ type: "Payment fee", value: fee }];
      it.paid_at = it.updated;
      it.payment_id = idOf("ewc_");
    }
    notify(invoiceCallback(it), cause);
  }

  function refund(call: Call): Answer {
    authorized(call);
    const key = call.headers["idempotency-key"] ?? call.headers["x-idempotency-key"];
    return once(key && `refund ${key}`, () => {
      const body = read(refundRequest, call);
      const it = find(body.invoice_id);
      if (!it) return mistake(404, "DATA_NOT_FOUND", "Could not find the payment");
      if (!isPaid(it)) return mistake(400, "INELIGIBLE_TRANSACTION", "The payment is not refundable");
      const amount = body.amount ?? it.amount;
      if (!isAmount(amount, it.currency) || (body.currency ?? it.currency) !== it.currency)
        return mistake(400, "API_VALIDATION_ERROR", "amount or currency is invalid");
      if (amount > (it.paid_amount ?? 0) - refundedOrPending(of(it)))
        return mistake(400, "MAXIMUM_REFUND_AMOUNT_REACHED", "More than was paid");
      if (refunds.some((one) => one.reference_id === body.reference_id))
        return mistake(409, "DUPLICATE_ERROR", "reference_id was used before");
      const made = giveBack(it, amount, body.reference_id ?? idOf("ref-"), body.reason, body.metadata);
      const pending = { ...made };
      void call.answered.then(() => end(made));
      return { status: 200, body: pending };
    });
  }

  function giveBack(
    it: Invoice,
    amount: number,
    reference: string,
    reason: string,
    metadata: unknown,
  ): Refund {
    const made: Refund = {
      id: idOf("rfd-"),
      invoice_id: it.id,
      payment_id: it.payment_id ?? "",
      amount,
      currency: it.currency,
      reference_id: reference,
      reason,
      metadata: metadata ?? null,
      created: now(),
      status: "PENDING",
      failure_code: null,
      updated: now(),
    };
    refunds.push(made);
    return made;
  }

  function end(it: Refund): void {
    it.status = refundsFail ? "FAILED" : "SUCCEEDED";
    it.failure_code = refundsFail ? "INSUFFICIENT_BALANCE" : null;
    it.updated = now();
    notify({
      event: refundsFail ? "refund.failed" : "refund.succeeded",
      business_id: "6094fa76c2fd53701b8e079c",
      created: it.updated,
      data: it,
    });
  }

  function controlled(call: Call): Invoice {
    const it = find(call.params.id ?? "");
    if (!it) throw refused(404, "no such invoice");
    return it;
  }

  return kit.listen({
    name: "xendit",
    routes: {
      "POST /v2/invoices": create,
      "POST /v2/invoices/": create,
      "GET /v2/invoices": list,
      "GET /v2/invoices/:id": (call) => answer(known(call)),
      "POST /invoices/:id/expire!": (call) => {
        const it = known(call);
        if (it.status !== "PENDING" || it.payment_id)
          return mistake(400, "INVALID_INVOICE_STATUS_ERROR", `The invoice is ${it.status}`);
        settle(it, "EXPIRED", it.amount, call);
        return answer(it);
      },
      "POST /refunds": refund,
      "GET /refunds": (call) => {
        authorized(call);
        const invoice = call.query.get("invoice_id");
        const limit = Number(call.query.get("limit") ?? 10);
        const found = refunds.filter((it) => invoice === null || it.invoice_id === invoice);
        const from = found.findIndex((it) => it.id === call.query.get("after_id")) + 1;
        const data = found.slice(from, from + limit);
        return { status: 200, body: { data, has_more: from + data.length < found.length } };
      },
      "GET /refunds/:id": (call) => {
        authorized(call);
        const it = refunds.find((one) => one.id === call.params.id);
        return it ? { status: 200, body: it } : mistake(404, "DATA_NOT_FOUND", "Could not find the refund");
      },
      "GET /web/:id": (call) => {
        const it = find(call.params.id ?? "");
        if (!it) return errorAnswer(404);
        return payPage("Xendit (emulated)", `${it.description}: ${it.currency} ${it.amount}`, it.id, [
          { label: "I have paid", url: it.success_redirect_url },
          { label: "I have not paid", url: it.failure_redirect_url },
        ]);
      },
    },
    control: {
      "POST /_sim/invoices/:id/pay": (call) => {
        settle(controlled(call), "PAID");
        return { status: 200, body: controlled(call) };
      },
      "POST /_sim/invoices/:id/settle": (call) => {
        settle(controlled(call), "SETTLED");
        return { status: 200, body: controlled(call) };
      },
      "POST /_sim/invoices/:id/expire": (call) => {
        settle(controlled(call), "EXPIRED");
        return { status: 200, body: controlled(call) };
      },
      "POST /_sim/refunds/end": (call) => {
        refundsFail = read(z.object({ as: z.enum(["SUCCEEDED", "FAILED"]) }), call).as === "FAILED";
        return { status: 200, body: { refundsFail } };
      },
    },
    errorAnswer,
    environment: (url) => ({
      XENDIT_SECRET_KEY: secretKey,
      XENDIT_CALLBACK_TOKEN: callbackToken,
      XENDIT_API_BASE: url,
    }),
    pay(ref, outcome, cause) {
      const it = find(ref);
      if (!it) throw refused(404, "no such invoice");
      if (outcome === "expire") settle(it, "EXPIRED", it.amount, cause);
      else if (outcome === "succeed") settle(it, "PAID", it.amount, cause);
      else if (outcome === "tooMuch") settle(it, "PAID", it.amount + major(1_000, it.currency), cause);
      else if (outcome === "withFee") settle(it, "PAID", it.amount, cause, FEE);
      else if (it.status !== "PENDING") throw refused(409, `the invoice is ${it.status}`);
      else if (outcome === "process") it.payment_id = idOf("ddpy-");
      // The invoice can be paid again, in its time.
      else if (outcome === "decline") delete it.payment_id;
    },
    refundAtProvider(ref, amount) {
      const it = find(ref);
      if (!it) throw refused(404, "no such invoice");
      const given = major(amount, it.currency);
      if (!isPaid(it) || given > (it.paid_amount ?? 0) - refundedOrPending(of(it)))
        throw refused(409, "too much");
      end(giveBack(it, given, idOf("dashboard-"), "REQUESTED_BY_CUSTOMER", null));
    },
    dispute() {
      throw refused(409, "xendit tells of disputes by e-mail only");
    },
    records: () => [...invoices.keys()].flatMap((id) => find(id) ?? []).map((it) => recordOf(it, of(it))),
  });
}

const mistake = (status: number, error_code: string, message: string): Answer => ({
  status,
  body: { error_code, message, errors: [] },
});

const CODES: Readonly<Record<number, string>> = {
  401: "INVALID_API_KEY",
  404: "NOT_FOUND",
  429: "RATE_LIMIT_EXCEEDED",
  500: "SERVER_ERROR",
  503: "SERVICE_UNAVAILABLE",
};

const errorAnswer = (status: number): Answer =>
  mistake(status, CODES[status] ?? "API_VALIDATION_ERROR", "as asked by a fault, or not served here");
