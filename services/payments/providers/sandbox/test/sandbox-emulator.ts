/**
 * The sandbox as an emulator. It is inside the shop. So its customer acts on its pay page, and its accounts are in
 * the shop's database. The relay simulates faults of webhooks.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Shop } from "../../../../../souk/testing/start-shop.ts";
import type { ReceivedWebhook } from "../../../../../test/support/providers/webhook-receiver.ts";
import { type Emulator, noFaults, type ProviderRecord, type StartEmulator } from "../../emulator.ts";
import { type SandboxPayment, sandboxPayments } from "../sandbox.model.ts";

export interface Intercepting {
  /** The webhook that gets through. Null where it is lost. */
  intercept(webhook: ReceivedWebhook): Promise<ReceivedWebhook | null>;
}

const DECISIONS = {
  succeed: { outcome: "succeed" },
  decline: { outcome: "decline" },
  cancel: { outcome: "decline" },
  expire: { outcome: "expire" },
  process: { outcome: "process" },
  tooMuch: { outcome: "succeed", amount: 1_000_000 },
  withFee: { outcome: "succeed", fee: 71 },
} as const;

const REORDER_MS = 30;

export const startSandbox: StartEmulator = async ({ webhookUrl, random }) => {
  const knobs = noFaults();
  const emulator: Emulator & Intercepting = {
    name: "sandbox",
    url: "",
    environment: { SANDBOX_WEBHOOK_SECRET: "a secret of the sandbox, long enough" },
    knobs,
    async pay(ref, outcome) {
      const times = random() < knobs.webhooks.duplicate ? 2 : 1;
      const answer = await fetch(`${new URL(webhookUrl()).origin}/api/v1/sandbox/pay/${ref}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ ...DECISIONS[outcome], times }),
      });
      await answer.arrayBuffer();
      if (answer.status !== 200) throw new Error(`the pay page answered ${answer.status}`);
    },
    async intercept(webhook) {
      const { drop, tamper, reorder } = knobs.webhooks;
      if (random() < drop) return null;
      if (random() < reorder) await sleep(REORDER_MS * random());
      if (random() >= tamper) return webhook;
      return {
        ...webhook,
        rawBody: Buffer.from(webhook.rawBody.toString().replace('"value":', '"value":1')),
      };
    },
    async refundAtProvider() {
      throw new Error("the sandbox has no dashboard");
    },
    async dispute() {
      throw new Error("the sandbox has no banks");
    },
    records: () => [],
    idle: async () => undefined,
    close: async () => undefined,
  };
  return emulator;
};

/** The sandbox's accounts, from the shop's database. */
export async function sandboxRecords({ node }: Shop): Promise<ProviderRecord[]> {
  const all = await sandboxPayments(node.runtime.database("payments")).find().toArray();
  return all.map(entryOf);
}

const entryOf = (it: SandboxPayment): ProviderRecord => ({
  providerRef: it._id,
  paymentId: it.paymentId,
  status: it.status,
  amount: it.amount,
  currency: it.currency,
  captured: it.status === "captured" ? (it.decision?.amount ?? it.amount) : 0,
  refunded: it.refunded,
});
