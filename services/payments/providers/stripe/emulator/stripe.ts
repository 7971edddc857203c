/** An emulator of Stripe: payment intents, refunds, disputes, idempotency keys and signed events. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Emulator, EmulatorOptions, ProviderRecord } from "../../emulator.ts";
import { refused } from "../../support/emulator/control.ts";
import { Answered, type Call, type Handler, type Routes } from "../../support/emulator/http-app.ts";
import { createKit } from "../../support/emulator/kit.ts";
import { fromStripe, toStripe } from "../amounts.ts";
import { faultAnswer, invalid, missing } from "./errors.ts";
import { eventSender, retry } from "./events.ts";
import { idempotency } from "./idempotency.ts";
import { createIntents, type RefundMode } from "./intents.ts";
import { paramsOf } from "./params.ts";
import { emptyRecords, type Intent } from "./state.ts";

/** Special behaviour of Stripe, in addition to that of all providers. */
export interface Quirks {
  /** How long each POST takes, real milliseconds. */
  latencyMs: number;
  /** So many of the next POSTs fail with a 500 that is kept under their idempotency keys. Nothing is done. */
  keptFailures: number;
  refunds: RefundMode;
  /** Signing secrets. There are two while one is rotated. */
  secrets: readonly string[];
}

export interface StripeEmulator extends Emulator {
  /** Changed in place. */
  readonly quirks: Quirks;
  /** Settles a refund that was made while {@link Quirks.refunds} was pending. */
  settleRefund(refundRef: string, status: "succeeded" | "failed"): void;
}

const SECRET_KEY = "sk_test_emulator_of_stripe";
const WEBHOOK_SECRET = "whsec_emulator_of_stripe";
const TIMEOUT_MS = 10_000;

export async function startStripe(options: EmulatorOptions): Promise<StripeEmulator> {
  const { clock } = options;
  const quirks: Quirks = { latencyMs: 0, keptFailures: 0, refunds: "succeeded", secrets: [WEBHOOK_SECRET] };
  const records = emptyRecords();
  const kit = createKit(options, { retry, timeoutMs: TIMEOUT_MS });
  const sendEvent = eventSender(kit, clock, () => quirks.secrets);
  const intents = createIntents(records, { kit, clock, sendEvent, refundMode: () => quirks.refunds });
  const keyed = idempotency(clock);

  const authorized =
    (handler: Handler): Handler =>
    (call) =>
      isAuthorized(call) ? handler(call) : faultAnswer(401);

  /** Runs a POST within its idempotency key. */
  const executed =
    (work: (call: Call) => object): Handler =>
    async (call) => {
      if (quirks.latencyMs > 0) await sleep(quirks.latencyMs);
      if (quirks.keptFailures > 0) {
        quirks.keptFailures--;
        throw new Answered({ ...faultAnswer(500), headers: { "stripe-should-retry": "false" } });
      }
      // A copy, so that later changes of the object are not in the kept answer.
      return { status: 200, body: structuredClone(work(call)) };
    };

  const get = (work: (call: Call) => object): Handler =>
    authorized((call) => ({ status: 200, body: work(call) }));
  const post = (work: (call: Call) => object): Handler => authorized(keyed(executed(work)));
  const named = ({ params }: Call): Intent => intents.find(params.id ?? "");

  const routes: Routes = {
    "POST /v1/payment_intents": post((call) => {
      const params = paramsOf(call);
      const made = intents.create(params);
      if (params.text("confirm") === "true") intents.confirm(made, undefined, call);
      kit.opened(made.id, call);
      return made;
    }),
    "GET /v1/payment_intents/:id": get((call) => {
      const intent = named(call);
      const expand = Object.values(paramsOf(call).group("expand")).includes("latest_charge");
      return expand && intent.latest_charge
        ? { ...intent, latest_charge: records.charges.get(intent.latest_charge) }
        : intent;
    }),
    "POST /v1/payment_intents/:id/confirm": post((call) =>
      intents.confirm(named(call), paramsOf(call).text("payment_method"), call),
    ),
    "POST /v1/payment_intents/:id/capture": post((call) => {
      const params = paramsOf(call);
      const amount = params.text("amount_to_capture") ? params.amount("amount_to_capture") : undefined;
      return intents.capture(named(call), amount, call);
    }),
    "POST /v1/payment_intents/:id/cancel": post((call) =>
      intents.cancel(named(call), paramsOf(call).text("cancellation_reason"), call),
    ),
    "GET /v1/charges/:id": get(({ params: { id = "" } }) => {
      const found = records.charges.get(id);
      if (!found) throw missing("charge", id);
      return found;
    }),
    "POST /v1/refunds": post((call) => {
      const params = paramsOf(call);
      const charge = records.charges.get(params.text("charge") ?? "");
      const ref = params.text("payment_intent") ?? charge?.payment_intent;
      if (!ref) throw invalid("One of the following params should be provided: payment_intent or charge.");
      return intents.refund(
        intents.find(ref),
        {
          ...(params.text("amount") ? { amount: params.amount("amount") } : {}),
          reason: params.text("reason") ?? null,
          metadata: params.group("metadata"),
        },
        call,
      );
    }),
    "GET /v1/refunds/:id": get(({ params: { id = "" } }) => {
      const found = records.refunds.get(id);
      if (!found) throw missing("refund", id);
      return found;
    }),
    "GET /v1/refunds": get((call) => {
      const params = paramsOf(call);
      const ref = params.text("payment_intent");
      const limit = Number(params.text("limit") ?? 10);
      const after = params.text("starting_after");
      const all = [...records.refunds.values()].reverse().filter((it) => !ref || it.payment_intent === ref);
      const rest = after ? all.slice(all.findIndex((it) => it.id === after) + 1) : all;
      return {
        object: "list",
        url: "/v1/refunds",
        data: rest.slice(0, limit),
        has_more: rest.length > limit,
      };
    }),
  };

  function entry(intent: Intent): ProviderRecord {
    const charge = records.charges.get(intent.latest_charge ?? "");
    const minor = (amount: number) => fromStripe(amount, intent.currency).amount;
    return {
      providerRef: intent.id,
      paymentId: intent.metadata.paymentId ?? null,
      status: intent.status,
      amount: minor(intent.amount),
      currency: intent.currency.toUpperCase(),
      captured: minor(intent.amount_received),
      refunded: minor(charge?.amount_refunded ?? 0),
    };
  }

  const emulator = await kit.listen({
    name: "stripe",
    routes,
    errorAnswer: (status) => faultAnswer(status),
    environment: (url) => ({
      STRIPE_SECRET_KEY: SECRET_KEY,
      STRIPE_WEBHOOK_SECRET: WEBHOOK_SECRET,
      STRIPE_API_BASE: url,
    }),
    pay: intents.pay,
    refundAtProvider(ref, amount) {
      const intent = records.intents.get(ref);
      if (!intent) throw refused(404, `there is no ${ref}`);
      const money = { amount, currency: intent.currency.toUpperCase() };
      intents.refund(intent, { amount: toStripe(money).amount });
    },
    dispute: intents.dispute,
    records: () => [...records.intents.values()].map(entry),
  });
  return { ...emulator, quirks, settleRefund: intents.settleRefund };
}

function isAuthorized({ headers }: Call): boolean {
  const [scheme, value = ""] = (headers.authorization ?? "").split(" ");
  const key = scheme === "Basic" ? Buffer.from(value, "base64").toString().replace(/:$/, "") : value;
  return key === SECRET_KEY;
}
