/**
 * Many payments at one provider, over a network that repeats, reorders, loses and forges webhooks. In the end every
 * order matches its customer's action, the ledger matches the provider's accounts, and nothing waits for ever.
 */
import assert from "node:assert/strict";
import { newId } from "../../../broker/contract/ids.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import { seededRandom } from "../seeded-random.ts";
import { openProviderShop, staff } from "./provider-shop.ts";
import type { ProviderTraits } from "./provider-traits.ts";

export interface StressRun extends ProviderTraits {
  readonly payments: number;
  readonly seed: number;
}

/** Of each delivery. */
export const FAULTS = { duplicate: 0.2, reorder: 0.1, drop: 0.05, tamper: 0.02 };
const OVER: ReadonlySet<string> = new Set(["failed", "cancelled", "expired"]);
const AT_ONCE = 16;
const SHARE_DECLINED = 0.05;
const SHARE_REFUNDED = 0.1;

export interface StressFigures {
  readonly paid: number;
  readonly declined: number;
  readonly refunded: number;
  /** Webhooks that reached the shop, and how many of them it rejected. */
  readonly webhooks: number;
  readonly rejected: number;
  /** Payments of which a forged one could not be rejected, and which staff were told of. */
  readonly forged: number;
  readonly seconds: number;
}

/** @throws AssertionError naming what does not fit */
export async function paymentsStress(run: StressRun): Promise<StressFigures> {
  const { payments, seed, limits = [] } = run;
  const { name } = run.provider;
  const [price] = run.takes;
  // Where a refund needs a webhook, one that is lost is a refund that fails.
  const refunds = !limits.includes("refundNeedsWebhook");
  const unpaid = limits.includes("silentDecline") ? "expire" : "decline";
  const random = seededRandom(seed).next;
  const began = Date.now();
  const fixture = await openProviderShop({
    ...run,
    env: { LOG_LEVEL: "fatal", RECONCILE_FIRST: "2s", RECONCILE_MAX: "6s", MAX_IN_FLIGHT: "1000" },
  });
  try {
    Object.assign(fixture.emulator.knobs.webhooks, FAULTS);
    const paid: string[] = [];
    const declined: string[] = [];
    const refunded: string[] = [];
    let left = payments;

    async function customers(): Promise<void> {
      while (left-- > 0) {
        const { order } = await fixture.order(price);
        const { id } = await fixture.payment(order.id, (it) => it.status === "pending", 60_000);
        const declines = random() < SHARE_DECLINED;
        await fixture.emulator.pay(await fixture.refOf(id), declines ? unpaid : "succeed");
        (declines ? declined : paid).push(order.id);
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, customers));
    await fixture.emulator.idle();

    await eachOf(paid, (id) =>
      fixture
        .payment(id, (it) => it.status === "captured", 120_000)
        .then(async (payment) => {
          if (!refunds || random() >= SHARE_REFUNDED) return;
          const amount = Math.floor(price.amount / 200) * 100;
          const meta = { ...staff, idempotencyKey: newId() };
          await fixture.call("payments.refund", { id: payment.id, amount, reason: "a scratch" }, meta);
          refunded.push(id);
        }),
    );
    await eachOf(refunded, (id) => fixture.payment(id, (it) => it.status === "partially_refunded", 120_000));
    await eachOf(declined, (id) => fixture.payment(id, (it) => OVER.has(it.status), 120_000));

    for (const id of paid) await fixture.reaches(id, "paid");
    for (const id of declined)
      assert.equal((await fixture.call("orders.get", { id })).status, "awaiting_payment", id);
    for (const status of ["requested", "pending", "authorized"] as const)
      assert.deepEqual(
        (await fixture.call("payments.list", { status })).items,
        [],
        `${status} payments are left`,
      );
    const { forged = () => null } = run;
    const lied = new Set(
      fixture.relay.received.map((it) => forged(it.rawBody)).filter((ref) => ref !== null),
    );
    await eventually("staff have heard of what was forged, and of nothing else", async () => {
      const { items, nextCursor } = await fixture.call("payments.anomalies", { limit: 100 });
      assert.equal(nextCursor, null);
      assert.deepEqual(
        items.map((it) => `${it.kind} ${it.providerRef}`).sort(),
        [...lied].map((ref) => `amount_mismatch ${ref}`).sort(),
      );
      return true;
    });

    const records = await fixture.records();
    const atProvider = records.reduce((sum, it) => sum + it.captured - it.refunded, 0);
    assert.equal(
      records.reduce((sum, it) => sum + it.captured, 0),
      paid.length * price.amount,
    );
    await eventually("the ledger agrees with the provider", async () => {
      const { items, balanced } = await fixture.call("payments.balances", {});
      assert.ok(balanced);
      const of = (account: string) => items.find((it) => it.account === account)?.amount ?? 0;
      assert.equal(of(`provider:${name}`), atProvider);
      assert.equal(of("sales"), -paid.length * price.amount);
      assert.equal(of("suspense"), 0);
      return true;
    });
    const { answered } = fixture.relay;
    return {
      paid: paid.length,
      declined: declined.length,
      refunded: refunded.length,
      webhooks: answered.length,
      rejected: answered.filter((it) => it >= 400).length,
      forged: lied.size,
      seconds: Math.round((Date.now() - began) / 100) / 10,
    };
  } finally {
    await fixture.close();
  }
}

async function eachOf(ids: readonly string[], work: (id: string) => Promise<unknown>): Promise<void> {
  const waiting = [...ids];
  const worker = async () => {
    for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) await work(id);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}
