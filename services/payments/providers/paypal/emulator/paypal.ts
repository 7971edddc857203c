/** An emulator of PayPal: tokens, orders, authorizations, captures, refunds, disputes and certified webhooks. */

import type { Emulator, EmulatorOptions, ProviderRecord } from "../../emulator.ts";
import { refused } from "../../support/emulator/control.ts";
import type { Answer, Call, Handler, Routes } from "../../support/emulator/http-app.ts";
import { createKit } from "../../support/emulator/kit.ts";
import { fromPayPal, toPayPal } from "../amounts.ts";
import { createSigner } from "./certificate.ts";
import { errorBody, faultAnswer, missing } from "./errors.ts";
import { eventSender, retry } from "./events.ts";
import { createOrders, type Modes } from "./orders.ts";
import { approvePage } from "./page.ts";
import { bodyAs, fromHundredths, newCapture, newOrder, newRefund, verification } from "./shapes.ts";
import { emptyRecords, type Order } from "./state.ts";

/** Special behaviour of PayPal, in addition to that of all providers. */
export interface Quirks extends Modes {
  captures: Modes["captures"];
  refunds: Modes["refunds"];
  /** Address of another certificate than the emulator's own. */
  certUrl: string | null;
}

export interface PayPalEmulator extends Emulator {
  /** Changed in place. */
  readonly quirks: Quirks;
  /** Settles what was made while {@link Quirks} had PENDING. */
  settleRefund(refundRef: string, status: "COMPLETED" | "FAILED"): void;
  settleCapture(captureId: string, status: "COMPLETED" | "DECLINED"): void;
  /** The bank takes a captured order's money back, without a dispute. */
  reverse(orderId: string): void;
  /** Revokes all tokens. */
  revokeTokens(): void;
  /** Number of issued tokens, and of fetched certificates. */
  readonly counts: { tokens: number; certificates: number };
}

const CLIENT_ID = "client-id-of-the-emulator";
const CLIENT_SECRET = "client-secret-of-the-emulator";
const WEBHOOK_ID = "1EMULATOR0WEBHOOK1";
const TOKEN_S = 32_400;
const TIMEOUT_MS = 10_000;
const HOUR_MS = 3_600_000;
/** How long request ids are remembered. */
const KEEP_MS = { orders: 6 * HOUR_MS, payments: 45 * 24 * HOUR_MS };

export async function startPayPal(options: EmulatorOptions): Promise<PayPalEmulator> {
  const { clock } = options;
  const quirks: Quirks = { captures: "COMPLETED", refunds: "COMPLETED", certUrl: null };
  const counts = { tokens: 0, certificates: 0 };
  const records = emptyRecords();
  const kit = createKit(options, { retry, timeoutMs: TIMEOUT_MS });
  const signer = await createSigner(clock.now());
  const certificatePath = `/v1/notifications/certs/CERT-${kit.token(8).toLowerCase()}`;
  const certUrl = () => quirks.certUrl ?? `${kit.url()}${certificatePath}`;
  const sendEvent = eventSender({ kit, clock, signer, webhookId: WEBHOOK_ID, certUrl });
  const orders = createOrders(records, { kit, clock, sendEvent, modes: quirks });
  /** Expiry of each token. */
  const tokens = new Map<string, number>();
  const answered = new Map<string, { answer: Answer; until: number }>();

  const authorized =
    (handler: Handler): Handler =>
    (call) => {
      const [scheme, token = ""] = (call.headers.authorization ?? "").split(" ");
      const fine = scheme === "Bearer" && (tokens.get(token) ?? 0) > clock.now();
      return fine ? handler(call) : faultAnswer(401);
    };

  /** The result of a PayPal-Request-Id is repeated, with 200 instead of 201. Errors are not kept. */
  const post = (kind: keyof typeof KEEP_MS, status: number, work: (call: Call) => object | null): Handler =>
    authorized((call) => {
      const requestId = call.headers["paypal-request-id"];
      const key = `${call.path} ${requestId}`;
      const kept = requestId === undefined ? undefined : answered.get(key);
      if (kept && kept.until > clock.now()) return { ...kept.answer, status: status === 201 ? 200 : status };
      const answer = { status, body: structuredClone(work(call)) };
      if (requestId !== undefined) answered.set(key, { answer, until: clock.now() + KEEP_MS[kind] });
      return answer;
    });
  const get = (work: (call: Call) => object): Handler =>
    authorized((call) => ({ status: 200, body: work(call) }));
  const named = ({ params }: Call): Order => orders.find(params.id ?? "");

  const routes: Routes = {
    "POST /v1/oauth2/token": (call) => {
      const expected = `Basic ${Buffer.from(`${CLIENT_ID}:${CLIENT_SECRET}`).toString("base64")}`;
      if (call.headers.authorization !== expected)
        return {
          status: 401,
          body: { error: "invalid_client", error_description: "Client Authentication failed" },
        };
      if (call.form().get("grant_type") !== "client_credentials")
        return { status: 400, body: { error: "unsupported_grant_type" } };
      const access_token = kit.token(60);
      tokens.set(access_token, clock.now() + TOKEN_S * 1_000);
      counts.tokens++;
      return {
        status: 200,
        body: { access_token, token_type: "Bearer", app_id: "APP-1", expires_in: TOKEN_S },
      };
    },
    "POST /v2/checkout/orders": post("orders", 201, (call) => {
      const made = orders.create(bodyAs(newOrder, call));
      kit.opened(made.id, call);
      return orders.shown(made);
    }),
    "GET /v2/checkout/orders/:id": get((call) => orders.shown(named(call))),
    "POST /v2/checkout/orders/:id/capture": post("orders", 201, (call) =>
      orders.shown(orders.take(named(call), call)),
    ),
    "POST /v2/checkout/orders/:id/authorize": post("orders", 201, (call) =>
      orders.shown(orders.authorize(named(call), call)),
    ),
    "GET /v2/payments/authorizations/:id": get(({ params }) => orders.authorization(params.id ?? "")),
    "POST /v2/payments/authorizations/:id/capture": post("payments", 201, (call) =>
      orders.captureAuthorization(
        orders.authorization(call.params.id ?? ""),
        bodyAs(newCapture, call).amount,
        call,
      ),
    ),
    "POST /v2/payments/authorizations/:id/void": post("payments", 204, (call) => {
      orders.void(orders.authorization(call.params.id ?? ""), call);
      return null;
    }),
    "GET /v2/payments/captures/:id": get(({ params }) => orders.capture(params.id ?? "")),
    "POST /v2/payments/captures/:id/refund": post("payments", 201, (call) =>
      orders.refund(orders.capture(call.params.id ?? ""), bodyAs(newRefund, call), call),
    ),
    "GET /v2/payments/refunds/:id": get(({ params }) => {
      const found = records.refunds.get(params.id ?? "");
      if (!found) throw missing();
      const { captureId: _, ...refund } = found;
      return refund;
    }),
    "GET /v1/customer/disputes": get(({ query }) => ({
      items: [...records.disputes.values()].filter((it) =>
        it.disputed_transactions.some(
          (of) => of.seller_transaction_id === query.get("disputed_transaction_id"),
        ),
      ),
    })),
    "POST /v1/notifications/verify-webhook-signature": authorized((call) => {
      const asked = bodyAs(verification, call);
      // The event exactly as in the body, because its bytes are signed.
      const text = call.rawBody.toString("utf8");
      const event = text.slice(text.indexOf('"webhook_event":') + '"webhook_event":'.length, -1);
      const expected = signer.sign(asked.transmission_id, asked.transmission_time, WEBHOOK_ID, event);
      const fits =
        asked.webhook_id === WEBHOOK_ID &&
        asked.auth_algo === "SHA256withRSA" &&
        asked.cert_url === certUrl() &&
        asked.transmission_sig === expected;
      return { status: 200, body: { verification_status: fits ? "SUCCESS" : "FAILURE" } };
    }),
    "GET /v1/notifications/certs/:name": (call) => {
      counts.certificates++;
      return call.path === certificatePath
        ? { status: 200, body: signer.certificate, headers: { "content-type": "application/x-pem-file" } }
        : errorBody(404, "RESOURCE_NOT_FOUND", "There is no such certificate.");
    },
  };

  const html = (body: string, status = 200): Answer => ({
    status,
    body,
    headers: { "content-type": "text/html; charset=utf-8" },
  });
  const control: Routes = {
    "GET /_sim/approve/:id": (call) => html(approvePage(named(call))),
    "POST /_sim/approve/:id": (call) => {
      const order = named(call);
      const outcome = call.form().get("outcome");
      if (outcome !== "succeed" && outcome !== "decline" && outcome !== "cancel")
        throw refused(409, "the outcome is succeed, decline or cancel");
      orders.pay(order.id, outcome, call);
      const back = outcome === "cancel" ? order.cancel_url : order.return_url;
      if (!back) return html(approvePage(order));
      const location = new URL(back);
      location.searchParams.set("token", order.id);
      return { status: 303, body: null, headers: { location: location.href } };
    },
  };

  function entry(order: Order): ProviderRecord {
    const { currency_code } = order.amount;
    const minor = (hundredths: number) => fromPayPal(fromHundredths(hundredths, currency_code)).amount;
    const captured = orders
      .capturesOf(order)
      .filter((it) => it.status !== "DECLINED" && it.status !== "PENDING");
    return {
      providerRef: order.id,
      paymentId: order.custom_id ?? null,
      status: order.status,
      amount: fromPayPal(order.amount).amount,
      currency: currency_code,
      captured: captured.reduce((sum, it) => sum + fromPayPal(it.amount).amount, 0),
      refunded: minor(orders.refundedOf(order)),
    };
  }

  const emulator = await kit.listen({
    name: "paypal",
    routes,
    control,
    errorAnswer: (status) => faultAnswer(status),
    environment: (url) => ({
      PAYPAL_CLIENT_ID: CLIENT_ID,
      PAYPAL_CLIENT_SECRET: CLIENT_SECRET,
      PAYPAL_WEBHOOK_ID: WEBHOOK_ID,
      PAYPAL_API_BASE: url,
      PAYPAL_CERT_HOSTS: new URL(url).host,
    }),
    pay: orders.pay,
    refundAtProvider(ref, amount) {
      const order = records.orders.get(ref);
      if (!order) throw refused(404, `there is no ${ref}`);
      orders.refundAtProvider(ref, toPayPal({ amount, currency: order.amount.currency_code }));
    },
    dispute: orders.dispute,
    records: () => [...records.orders.values()].map(entry),
  });
  return {
    ...emulator,
    quirks,
    counts,
    settleRefund: orders.settleRefund,
    settleCapture: orders.settleCapture,
    reverse: orders.reverse,
    revokeTokens: () => tokens.clear(),
  };
}
