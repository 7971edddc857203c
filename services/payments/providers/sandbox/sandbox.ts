/**
 * The sandbox: a payment provider inside the shop, for newcomers and tests. Like a real one, it keeps its own
 * accounts, shows a pay page and reports by signed webhook over HTTP. On request, webhooks are late, repeated or have
 * a wrong amount.
 */
import { createHmac } from "node:crypto";
import { LRUCache } from "lru-cache";
import { z } from "zod";
import { SoukError } from "../../../../broker/contract/errors.ts";
import { newId } from "../../../../broker/contract/ids.ts";
import { secret as secretVariable } from "../../../../broker/contract/variables.ts";
import { ReadGroup } from "../../../../broker/mongo/read-group.ts";
import { writeGroup } from "../../../../broker/mongo/write-group.ts";
import { defineProvider } from "../define-provider.ts";
import {
  type PaymentProvider,
  type ProviderContext,
  ProviderRefused,
  type ProviderStatus,
  type RefundReport,
  type StatusReport,
  WebhookRejected,
} from "../provider.ts";
import { returnAddress, returnPage } from "../support/return-address.ts";
import { CLAIM_MS, createDeliveries } from "./deliveries.ts";
import {
  figuresOf,
  type SandboxPayment,
  type SandboxStatus,
  sandboxPayments,
  taken,
} from "./sandbox.model.ts";
import { webhookSecret } from "./secret.ts";
import { SIGNATURE_HEADER, verify } from "./signature.ts";
import { parseWebhook } from "./webhook-body.ts";

export interface SandboxDecision {
  /** `process`: the bank is slow. One of the others follows later. */
  outcome: "succeed" | "decline" | "expire" | "process";
  /** Milliseconds until the webhook is sent. */
  delayMs: number;
  /** Copies of the webhook. */
  times: number;
  /** Minor units to report instead of the right amount. */
  amount?: number | undefined;
  /** Minor units that the provider adds for itself. */
  fee?: number | undefined;
}

export interface Sandbox extends PaymentProvider {
  /** @throws {SoukError} NOT_FOUND */
  find(ref: string): Promise<SandboxPayment>;
  /** Decides a payment, once; after `process` once more. @throws {SoukError} NOT_FOUND, or CONFLICT when it has ended */
  decide(ref: string, decision: SandboxDecision): Promise<void>;
}

/** How many payments that wait for their customers a node remembers. Others are read. */
const REMEMBERED = 5_000;

const STATUS = { succeed: "captured", decline: "failed", expire: "expired", process: "processing" } as const;
const REASON = { succeed: null, decline: "card_declined", expire: "expired", process: null } as const;

/** The status for the page and `fetchStatus`. Its time may be over without a stored change. */
export const statusAt = (it: SandboxPayment, now: number): SandboxStatus =>
  it.status === "pending" && it.expiresAt.getTime() <= now ? "expired" : it.status;

export const sandbox = defineProvider({
  name: "sandbox",
  title: "Sandbox",
  variables: z.object({
    SANDBOX: z
      .enum(["on", "off"])
      .optional()
      .describe(
        "Whether the sandbox provider, by which anybody pays without money, takes payments: off in production, on elsewhere unless set",
      ),
    SANDBOX_WEBHOOK_SECRET: secretVariable
      .optional()
      .describe(
        "Signs the sandbox provider's webhooks; derived and kept in DATA_DIR or the database unless set",
      ),
  }),
  secrets: ["SANDBOX_WEBHOOK_SECRET"],
  create(context, { SANDBOX, SANDBOX_WEBHOOK_SECRET }) {
    const production = context.config.NODE_ENV === "production";
    const made = createSandbox(context, SANDBOX_WEBHOOK_SECRET);
    if ((SANDBOX ?? (production ? "off" : "on")) === "off") return closed(made);
    if (production)
      context.log.warn("SANDBOX=on in production: anybody gets what they order without paying for it");
    return made;
  },
});

/**
 * A closed sandbox. Open payments can be cancelled or expire, and paid money can be refunded. Nothing more is paid.
 */
function closed({ start: _, ...sandbox }: Sandbox): Sandbox {
  const off = () => new ProviderRefused("the sandbox is switched off");
  return {
    ...sandbox,
    closed: true,
    async createPayment() {
      throw off();
    },
    async capture() {
      throw off();
    },
    async fetchStatus(ref, signal) {
      const now = await sandbox.fetchStatus(ref, signal);
      // A capture that the shop does not know by now was not real money.
      if (now.status === "captured" || now.status === "authorized") throw off();
      // Nobody decides it any more.
      if (now.status === "processing")
        return { ...now, status: "failed", reason: "the sandbox is switched off" };
      return now;
    },
    async decide() {
      throw new SoukError("NOT_FOUND");
    },
    async verifyWebhook() {
      throw new WebhookRejected("the sandbox is switched off");
    },
  };
}

function createSandbox(
  { clock, log, database, publicUrl, webhookUrl }: ProviderContext,
  configuredSecret: string | undefined,
): Sandbox {
  const payments = sandboxPayments(database);
  const secret = webhookSecret(database, configuredSecret);
  const deliveries = createDeliveries({
    payments,
    clock,
    log,
    secret,
    url: () => new URL(webhookUrl()),
  });

  const reads = new ReadGroup<SandboxPayment>(payments);
  const writes = writeGroup(payments);
  /** As opened here. Another node may have decided or cancelled them since, which the conditional write finds. */
  const opened = new LRUCache<string, SandboxPayment>({ max: REMEMBERED });

  async function find(ref: string): Promise<SandboxPayment> {
    const found = await reads.get(ref);
    if (!found) throw new SoukError("NOT_FOUND", "The sandbox has no such payment.");
    return found;
  }

  async function known(ref: string): Promise<SandboxPayment> {
    const found = await reads.get(ref);
    if (!found) throw new ProviderRefused("unknown reference");
    return found;
  }

  return {
    name: "sandbox",
    webhooksProve: true,
    find,

    async createPayment(intent) {
      const { paymentId, orderNumber, amount, expiresAt } = intent;
      const page = intent.returnUrl ?? returnPage(publicUrl());
      // The same reference for the same payment, so a repeated opening finds the first one by _id.
      const ref = createHmac("sha256", await secret())
        .update(`pay page ${paymentId}`)
        .digest("base64url");
      const payment: SandboxPayment = {
        _id: ref,
        paymentId,
        orderNumber,
        back: {
          succeeded: returnAddress(page, intent, "succeeded"),
          failed: returnAddress(page, intent, "failed"),
        },
        amount: amount.amount,
        currency: amount.currency,
        status: "pending",
        createdAt: new Date(clock.now()),
        expiresAt,
        refunds: [],
        refunded: 0,
      };
      if (await writes.insertNew(payment)) opened.set(ref, payment);
      else {
        const first = await known(ref);
        if (first.amount !== amount.amount || first.currency !== amount.currency)
          throw new ProviderRefused("opened before with another amount");
      }
      const url = `${publicUrl()}/api/v1/sandbox/pay/${ref}`;
      return { providerRef: ref, nextAction: { type: "redirect", url }, expiresAt };
    },

    async capture({ providerRef }) {
      // It takes the money when the customer pays. Nothing is captured later.
      const it = await known(providerRef);
      if (it.status !== "captured") throw new ProviderRefused("not paid");
      return report(it, clock.now());
    },

    async cancel(ref) {
      const { matchedCount } = await payments.updateOne(
        { _id: ref, status: "pending" },
        { $set: { status: "cancelled" } },
      );
      if (matchedCount === 1) return;
      const { status } = await known(ref);
      if (status === "captured") throw new ProviderRefused("paid already");
      if (status === "processing") throw new ProviderRefused("the bank still works on it");
    },

    async refund({ providerRef, amount, idempotencyKey }) {
      const payment = await known(providerRef);
      const earlier = payment.refunds.find((it) => it.id === idempotencyKey);
      const refunded: RefundReport = {
        refundId: idempotencyKey,
        refundRef: idempotencyKey,
        amount,
        status: "succeeded",
        reason: null,
      };
      if (earlier?.amount === amount.amount) return refunded;
      if (earlier) throw new ProviderRefused("refunded before with another amount");
      if (payment.status !== "captured" || payment.currency !== amount.currency)
        throw new ProviderRefused("nothing to refund in this currency");
      const room = taken(payment) - amount.amount;
      const { matchedCount } = await payments.updateOne(
        { _id: providerRef, "refunds.id": { $ne: idempotencyKey }, refunded: { $lte: room } },
        {
          $push: { refunds: { id: idempotencyKey, amount: amount.amount, at: new Date(clock.now()) } },
          $inc: { refunded: amount.amount },
        },
      );
      if (matchedCount === 1) return refunded;
      const repeated = (await known(providerRef)).refunds.some((it) => it.id === idempotencyKey);
      if (!repeated) throw new ProviderRefused("more than was paid");
      return refunded;
    },

    fetchStatus: async (ref) => report(await known(ref), clock.now()),

    async verifyWebhook({ rawBody, headers }) {
      verify(await secret(), rawBody, headers[SIGNATURE_HEADER], clock.now());
      return parseWebhook(rawBody);
    },

    async decide(ref, { outcome, delayMs, times, amount, fee }) {
      const now = clock.now();
      const due = now + delayMs;
      const pending = opened.get(ref) ?? (await find(ref));
      opened.delete(ref);
      const eventId = `evt_${newId()}`;
      const change = {
        status: STATUS[outcome],
        decision: {
          eventId,
          at: new Date(now),
          ...(amount === undefined ? {} : { amount }),
          ...(fee === undefined ? {} : { fee }),
          receipt: outcome === "succeed" ? `SBX-${newId()}` : null,
          reason: REASON[outcome],
        },
        delivery: { left: times, failures: 0 },
        // A delivery that is due now is claimed by the same write.
        deliverAt: new Date(delayMs === 0 ? now + CLAIM_MS : due),
      };
      const matched = await writes.update(
        {
          _id: ref,
          $or: [
            { status: "pending", expiresAt: { $gt: new Date(now) } },
            ...(outcome === "process" ? [] : [{ status: "processing" as const }]),
          ],
        },
        { $set: change },
      );
      // The write group does not always know. The event's id says whose decision is stored.
      const isOurs = matched || (await find(ref)).decision?.eventId === eventId;
      if (!isOurs) throw new SoukError("CONFLICT", "This payment is over already.");
      if (delayMs === 0) deliveries.sendNow({ ...pending, ...change });
      else deliveries.sendAt(ref, due);
    },

    start: () => deliveries.start(),
    stop: () => deliveries.stop(),
  };
}

const report = (it: SandboxPayment, now: number): StatusReport => ({
  status: reportedStatus(it, now),
  ...(it.status === "captured" ? figuresOf(it) : { amount: null }),
  receipt: it.decision?.receipt ?? null,
  reason: it.decision?.reason ?? null,
  refunds: it.refunds.map(({ id, amount }) => ({
    refundId: id,
    refundRef: id,
    amount: { amount, currency: it.currency },
    status: "succeeded",
    reason: null,
  })),
});

function reportedStatus(it: SandboxPayment, now: number): ProviderStatus {
  if (it.refunded === 0) return statusAt(it, now);
  return it.refunded < taken(it) ? "partially_refunded" : "refunded";
}
