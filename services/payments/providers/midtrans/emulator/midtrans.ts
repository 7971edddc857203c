/**
 * Midtrans: Snap pages, the Core API, and signed notifications on its schedule. Cards on the page (`POST
 * /_sim/snap/:token` `{ card }`):
 * - 4811 1111 1111 1114 is accepted
 * - 4911 1111 1111 1113 is denied by the bank
 * - 4511 1111 1111 1117 is challenged
 * - 4611 1111 1111 1116 is denied for fraud
 */
import { randomUUID } from "node:crypto";
import { z } from "zod";
import type { Emulator, EmulatorOptions, Outcome } from "../../emulator.ts";
import { refused } from "../../support/emulator/control.ts";
import { type Answer, Answered, type Call } from "../../support/emulator/http-app.ts";
import { createKit } from "../../support/emulator/kit.ts";
import { payPage } from "../../support/emulator/pay-page.ts";
import type { DeliveryResult } from "../../support/emulator/webhook-sender.ts";
import { transactionBody } from "./bodies.ts";
import {
  decimal,
  gross,
  isPaid,
  jakarta,
  type Page,
  recordOf,
  refunded,
  SEN,
  type Status,
} from "./records.ts";

export interface MidtransOptions {
  /** Whether Snap supports `Idempotency-Key`. Its documentation does not say. */
  readonly idempotencyKeys?: boolean;
}

const MINUTE_MS = 60_000;
const RETRY_MINUTES = [2, 10, 30, 90, 210];
/** How often a delivery with this answer is repeated. Five times for all others. */
const REPEATS: Readonly<Record<number, number>> = { 500: 1, 503: 4, 400: 2, 404: 2, 301: 0, 302: 0, 303: 0 };

export function retry(failures: number, { status }: DeliveryResult): number | null {
  const most = typeof status === "number" ? (REPEATS[status] ?? 5) : 5;
  const minutes = failures <= most ? RETRY_MINUTES[failures - 1] : undefined;
  return minutes === undefined ? null : minutes * MINUTE_MS;
}

/** Events on the page, in Midtrans' terms. */
const happening = z.enum([
  "pending",
  "settlement",
  "capture",
  "challenge",
  "deny",
  "expire",
  "cancel",
  "reversal",
]);
type Happening = z.output<typeof happening>;

const CARDS: Readonly<Record<string, Happening>> = {
  "4811111111111114": "capture",
  "4911111111111113": "deny",
  "4511111111111117": "challenge",
  "4611111111111116": "deny",
};

const create = z.object({
  transaction_details: z.object({
    order_id: z.string().regex(/^[A-Za-z0-9._~-]{1,50}$/),
    gross_amount: z.int().min(1),
  }),
  item_details: z.array(z.object({ price: z.int(), quantity: z.int().min(1), name: z.string() })).optional(),
  customer_details: z.object({ email: z.email() }).optional(),
  callbacks: z.object({ finish: z.url() }).optional(),
  expiry: z.object({ unit: z.enum(["minutes", "hours", "days"]), duration: z.int().min(1) }).optional(),
});
const refundRequest = z
  .object({ refund_key: z.string().max(200), amount: z.int().min(1), reason: z.string().max(255) })
  .partial();
const customerAct = z.object({ outcome: happening, card: z.string(), paymentType: z.string() }).partial();
const UNIT_MS = { minutes: MINUTE_MS, hours: 60 * MINUTE_MS, days: 1_440 * MINUTE_MS };

export async function startMidtrans(
  options: EmulatorOptions,
  { idempotencyKeys = true }: MidtransOptions = {},
): Promise<Emulator> {
  const { clock } = options;
  const kit = createKit(options, { retry, timeoutMs: 15_000 });
  const serverKey = `SB-Mid-server-${kit.token(24)}`;
  const pages = new Map<string, Page>();
  const replies = new Map<string, Answer>();
  let refundNumbers = 0;

  function authorized(call: Call): void {
    const expected = `Basic ${Buffer.from(`${serverKey}:`).toString("base64")}`;
    if (call.headers.authorization !== expected) throw new Answered(errorAnswer(401, call));
  }

  /** By order id or transaction id. Expires it when its time is over. */
  function find(id: string): Page | undefined {
    const page = pages.get(id) ?? [...pages.values()].find((it) => it.transaction?.id === id);
    const it = page?.transaction;
    if (page && it?.status === "pending" && page.expiresAt <= clock.now()) it.status = "expire";
    return page;
  }

  function known(call: Call): Page & { transaction: NonNullable<Page["transaction"]> } {
    authorized(call);
    const page = find(call.params.id ?? "");
    if (!page?.transaction) throw new Answered(coreError(404, "Transaction doesn't exist.", 200));
    return page as ReturnType<typeof known>;
  }

  const answer = (page: ReturnType<typeof known>, code?: string): Answer => ({
    status: 200,
    body: transactionBody(page, page.transaction, serverKey, code),
  });

  function notify(page: Page, cause?: Call): void {
    if (!page.transaction) return;
    const body = JSON.stringify(transactionBody(page, page.transaction, serverKey));
    for (const url of page.notifyUrls) kit.webhookSender.send({ url, body, headers: () => ({}) }, cause);
  }

  function open(call: Call): Answer {
    authorized(call);
    const key = call.headers["idempotency-key"];
    const replied = idempotencyKeys && key ? replies.get(key) : undefined;
    if (replied) return replied;
    const { data, error } = create.safeParse(call.json());
    if (error) return mistaken(error.issues.map((it) => `${it.path.join(".")} ${it.message}`));
    const { order_id, gross_amount } = data.transaction_details;
    const sum = data.item_details?.reduce((total, it) => total + it.price * it.quantity, 0);
    if (sum !== undefined && sum !== gross_amount)
      return mistaken(["transaction_details.gross_amount is not equal to the sum of item_details"]);
    if (pages.has(order_id)) return mistaken(["transaction_details.order_id sudah digunakan"]);
    const token = randomUUID();
    const { unit, duration } = data.expiry ?? { unit: "hours", duration: 24 };
    pages.set(order_id, {
      token,
      orderId: order_id,
      amount: gross_amount,
      expiresAt: clock.now() + duration * UNIT_MS[unit],
      notifyUrls: notifyUrls(call),
      finish: data.callbacks?.finish,
      email: data.customer_details?.email,
      transaction: null,
    });
    const opened = {
      status: 201,
      body: { token, redirect_url: `${kit.url()}/snap/v4/redirection/${token}` },
    };
    if (key) replies.set(key, opened);
    kit.opened(order_id, call);
    return opened;
  }

  /** A customer's action on the page, or a later event of the payment. */
  function happen(
    page: Page | undefined,
    what: Happening,
    {
      paymentType = "gopay",
      amount = page?.amount ?? 0,
      fee = 0,
      cause,
    }: { paymentType?: string; amount?: number; fee?: number; cause?: Call | undefined } = {},
  ): void {
    if (!page) throw refused(404, "no such page");
    const now = clock.now();
    const it = page.transaction;
    if (what === "reversal") {
      if (it?.status !== "settlement") throw refused(409, "only what was settled is reversed");
      it.status = "deny";
      notify(page, cause);
      return;
    }
    // A card payment under review is approved or denied.
    if (it?.fraud === "challenge" && (what === "settlement" || what === "deny")) {
      it.status = what === "deny" ? "deny" : "capture";
      it.fraud = what === "deny" ? "deny" : "accept";
      notify(page, cause);
      return;
    }
    // After a denial the customer may try again, with another transaction.
    if (it && !["pending", "deny"].includes(it.status)) throw refused(409, `the payment is ${it.status}`);
    if (page.expiresAt <= now) throw refused(409, "the page is closed");
    const card = what === "capture" || what === "challenge" || what === "deny";
    const status: Status = what === "challenge" ? "capture" : what;
    const next = it?.status === "pending" ? it : null;
    page.transaction = {
      id: next?.id ?? randomUUID(),
      paymentType: next?.paymentType ?? (card ? "credit_card" : paymentType),
      amount,
      fee,
      at: next?.at ?? now,
      status,
      fraud: what === "challenge" ? "challenge" : what === "deny" ? "deny" : "accept",
      settledAt: status === "settlement" ? now : null,
      refunds: [],
    };
    notify(page, cause);
  }

  /** The merchant's own changes. */
  function change(call: Call, from: (page: ReturnType<typeof known>) => boolean, to: Status): Answer {
    const page = known(call);
    if (!from(page)) return coreError(412, "Merchant cannot modify the status of the transaction", 200);
    page.transaction.status = to;
    if (page.transaction.fraud === "challenge") page.transaction.fraud = to === "deny" ? "deny" : "accept";
    notify(page, call);
    return answer(page, "200");
  }

  function refund(call: Call, methods: readonly string[]): Answer {
    const page = known(call);
    const it = page.transaction;
    const { refund_key = `mid-${kit.token(12)}`, amount = gross(it), reason } = read(refundRequest, call);
    if (!methods.includes(it.paymentType))
      return coreError(412, "Refund is not supported for this payment type", 200);
    if (!["settlement", "partial_refund"].includes(it.status))
      return coreError(412, "Merchant cannot modify the status of the transaction", 200);
    if (it.refunds.some((one) => one.refund_key === refund_key))
      return coreError(406, "Refund key has been used", 200);
    if (refunded(it) + amount > gross(it)) return coreError(412, "Refund amount exceeds the payment", 200);
    giveBack(page, amount, refund_key, reason);
    notify(page, call);
    return {
      status: 200,
      body: {
        ...transactionBody(page, it, serverKey, "200"),
        status_message: "Success, refund request is approved",
        refund_chargeback_id: refundNumbers,
        refund_key,
        refund_amount: decimal(amount),
      },
    };
  }

  function giveBack(
    page: ReturnType<typeof known>,
    amount: number,
    refund_key: string,
    reason: string | undefined,
  ): void {
    const it = page.transaction;
    it.refunds.push({
      refund_chargeback_id: ++refundNumbers,
      refund_amount: decimal(amount),
      refund_key,
      ...(reason === undefined ? {} : { reason }),
      created_at: jakarta(clock.now()),
    });
    it.status = refunded(it) < gross(it) ? "partial_refund" : "refund";
  }

  function paidPage(ref: string): ReturnType<typeof known> {
    const page = find(ref);
    if (!page) throw refused(404, "no such payment");
    if (!page.transaction || !isPaid(page.transaction)) throw refused(409, "nothing was paid");
    return page as ReturnType<typeof known>;
  }

  const byToken = (call: Call) => [...pages.values()].find((it) => it.token === call.params.token);
  const CASH = ["gopay", "qris", "shopeepay"];

  return kit.listen({
    name: "midtrans",
    routes: {
      "POST /snap/v1/transactions": open,
      "GET /snap/v4/redirection/:token": (call) => {
        const page = byToken(call);
        if (!page) return errorAnswer(404, call);
        const about = `${page.orderId}: Rp ${page.amount} ${page.email ?? ""}`;
        return payPage("Midtrans Snap (emulated)", about, page.orderId, [
          { label: "Back to the merchant", url: page.finish },
        ]);
      },
      "GET /v2/:id/status": (call) => {
        const page = known(call);
        return answer(page, page.transaction.status === "expire" ? "407" : undefined);
      },
      "POST /v2/:id/cancel": (call) =>
        change(
          call,
          ({ transaction: { status } }) => ["pending", "capture", "authorize"].includes(status),
          "cancel",
        ),
      "POST /v2/:id/expire": (call) =>
        change(call, ({ transaction: { status } }) => status === "pending", "expire"),
      "POST /v2/:id/approve": (call) =>
        change(call, ({ transaction: { fraud } }) => fraud === "challenge", "capture"),
      "POST /v2/:id/deny": (call) =>
        change(call, ({ transaction: { fraud } }) => fraud === "challenge", "deny"),
      "POST /v2/:id/refund": (call) => refund(call, ["credit_card"]),
      "POST /v2/:id/refund/online/direct": (call) => refund(call, [...CASH, "credit_card"]),
      "POST /v2/capture": (call) => {
        const { transaction_id } = read(z.object({ transaction_id: z.string() }), call);
        const page = { ...call, params: { id: transaction_id } };
        return change(page, ({ transaction: { status } }) => status === "authorize", "capture");
      },
    },
    control: {
      "POST /_sim/snap/:token": (call) => {
        const { outcome, card, paymentType } = read(customerAct, call);
        const what = outcome ?? CARDS[card?.replaceAll(" ", "") ?? ""];
        if (!what) throw new Answered({ status: 400, body: { error: "an outcome or a known card" } });
        happen(byToken(call), what, paymentType === undefined ? {} : { paymentType });
        return { status: 200, body: { outcome: what } };
      },
    },
    errorAnswer,
    environment: (url) => ({
      MIDTRANS_SERVER_KEY: serverKey,
      MIDTRANS_SNAP_BASE: url,
      MIDTRANS_API_BASE: url,
    }),
    pay(ref, outcome, cause) {
      const page = find(ref);
      const amount = (page?.amount ?? 0) + (outcome === "tooMuch" ? 1_000 : 0);
      happen(page, HAPPENING[outcome], { amount, fee: outcome === "withFee" ? FEE : 0, cause });
    },
    refundAtProvider(ref, amount) {
      const page = paidPage(ref);
      const rupiah = amount / SEN;
      if (!Number.isInteger(rupiah) || refunded(page.transaction) + rupiah > gross(page.transaction))
        throw refused(409, "too much, or no whole rupiah");
      giveBack(page, rupiah, `dashboard-${kit.token(8)}`, "from the dashboard");
      notify(page);
    },
    dispute(ref) {
      const page = paidPage(ref);
      page.transaction.status = "chargeback";
      notify(page);
    },
    records: () => [...pages.values()].map(recordOf),
  });
}

/** Rupiah that Midtrans adds for itself, as for QRIS: 0.7 % of 10,000, and what that adds. */
const FEE = 71;

const HAPPENING: Readonly<Record<Outcome, Happening>> = {
  succeed: "settlement",
  tooMuch: "settlement",
  withFee: "settlement",
  decline: "deny",
  expire: "expire",
  cancel: "cancel",
  process: "challenge",
};

/** The merchant account's address, unless the request names another. */
function notifyUrls({ headers }: Call): (string | null)[] {
  const list = (name: string) =>
    (headers[name] ?? "")
      .split(",")
      .map((it) => it.trim())
      .filter((it) => it !== "");
  const overridden = list("x-override-notification");
  return overridden.length > 0 ? overridden : [null, ...list("x-append-notification")];
}

function read<S extends z.ZodType>(schema: S, call: Call): z.output<S> {
  const { data, success } = schema.safeParse(call.rawBody.length === 0 ? {} : call.json());
  if (!success) throw new Answered(errorAnswer(400, call));
  return data;
}

const mistaken = (error_messages: string[]): Answer => ({ status: 400, body: { error_messages } });

/** @param http Midtrans answers most of its own errors with 200, and the code inside */
const coreError = (code: number, status_message: string, http: number = code): Answer => ({
  status: http,
  body: { status_code: String(code), status_message, id: randomUUID() },
});

const MESSAGES: Readonly<Record<number, string>> = {
  401: "Access denied due to unauthorized transaction, please check client or server key",
  404: "The requested resource is not found",
  429: "API rate limit exceeded",
  500: "Internal server error",
  503: "Service is temporarily unavailable",
};

function errorAnswer(status: number, { path }: Pick<Call, "path">): Answer {
  const message = MESSAGES[status] ?? "The request can't be read";
  return path.startsWith("/snap/")
    ? { status, body: { error_messages: [message] } }
    : coreError(status, message);
}
