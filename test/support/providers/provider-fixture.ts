/** The common parts of specs of a provider's adapter: the adapter, its emulator, and a replacement of the shop. */
import assert from "node:assert/strict";
import type { Connection } from "mongoose";
import { newId } from "../../../broker/contract/ids.ts";
import type { Money } from "../../../broker/contract/schemas.ts";
import { loadConfig } from "../../../broker/moleculer/config.ts";
import type { Clock } from "../../../broker/resilience/clock.ts";
import { silentLog } from "../../../broker/resilience/silent-log.ts";
import type { ProviderModule } from "../../../services/payments/providers/define-provider.ts";
import {
  type Emulator,
  type EmulatorOptions,
  noFaults,
  type ProviderRecord,
} from "../../../services/payments/providers/emulator.ts";
import type {
  PaymentIntent,
  PaymentProvider,
  ProviderContext,
  RefundReport,
  StatusReport,
  WebhookEvent,
} from "../../../services/payments/providers/provider.ts";
import { movableClock } from "../../../souk/testing/movable-clock.ts";
import { seededRandom } from "../seeded-random.ts";
import { openWebhookReceiver, type WebhookReceiver } from "./webhook-receiver.ts";

/** A signal that does not fire. */
export const never = new AbortController().signal;

const noDatabase = new Proxy({} as Connection, {
  get(_, name) {
    throw new Error(`this provider needs a database: ${String(name)}`);
  },
});

/** For providers that are no service of the shop. */
export const noCalls: ProviderContext["call"] = (name) =>
  Promise.reject(new Error(`this provider needs ${name}`));

/** Variables and a clock, and no database unless given. */
export function providerContext(
  variables: Readonly<NodeJS.ProcessEnv>,
  clock: Clock,
  { publicUrl = "https://shop.test", database = noDatabase } = {},
): Omit<ProviderContext, "webhookUrl"> {
  return {
    config: loadConfig({ ...variables }),
    clock,
    log: silentLog,
    database,
    call: noCalls,
    publicUrl: () => publicUrl,
  };
}

/** A new payment, which has half an hour. */
export const paymentIntent = (
  clock: Clock,
  amount: Money,
  changes: Partial<PaymentIntent> = {},
): PaymentIntent => ({
  paymentId: newId(),
  orderId: newId(),
  orderNumber: "251003-7K2QF-M9DXA",
  customerId: newId(),
  email: null,
  amount,
  expiresAt: new Date(clock.now() + 30 * 60_000),
  options: {},
  returnUrl: null,
  ...changes,
});

export interface FixtureOptions<E extends Emulator> {
  readonly provider: ProviderModule;
  readonly start: (options: EmulatorOptions) => Promise<E>;
  /** An amount as the spec writes it, e.g. in whole rupiah. */
  readonly money: (amount: number) => Money;
  /** What a payment asks for, as `money` takes it. */
  readonly price: number;
  /** Options of every payment, e.g. a phone number. */
  readonly payment?: Readonly<Record<string, string>>;
  /** By which the provider's waits before it repeats a webhook are divided. */
  readonly timeScale: number;
  /** Where webhooks go that name no address of their own; to the shop unless given. */
  readonly webhookUrl?: (shop: string) => string;
  readonly database?: Connection;
}

export interface ProviderFixture<E extends Emulator> {
  readonly clock: ReturnType<typeof movableClock>;
  readonly emulator: E;
  /** For a second emulator with other properties. */
  readonly emulatorOptions: EmulatorOptions;
  /** Takes the webhooks in place of the shop. */
  readonly shop: WebhookReceiver;
  /** The adapter of the test that runs. */
  adapter(): PaymentProvider;
  /** A new adapter: some variables differ from the emulator's, or are not set; another time where one is given. */
  adapterWith(variables: Readonly<NodeJS.ProcessEnv>, time?: number): PaymentProvider;
  intent(changes?: Partial<PaymentIntent>): PaymentIntent;
  /** @returns the provider's reference of a new payment */
  open(changes?: Partial<PaymentIntent>, by?: PaymentProvider): Promise<string>;
  /** The same, and its customer has paid or agreed. */
  openAndPay(changes?: Partial<PaymentIntent>, by?: PaymentProvider): Promise<string>;
  status(ref: string): Promise<StatusReport>;
  /** `amount` as `money` takes it. */
  refund(ref: string, amount: number, idempotencyKey?: string, by?: PaymentProvider): Promise<RefundReport>;
  recordOf(ref: string): ProviderRecord | undefined;
  /** What the adapter makes of all webhooks that have come, when no more will come. */
  events(by?: PaymentProvider): Promise<WebhookEvent[]>;
  /** Resets between two tests: no faults, nothing received, webhooks accepted, a new adapter. */
  reset(): Promise<void>;
  close(): Promise<void>;
}

export async function openProviderFixture<E extends Emulator>(
  it: FixtureOptions<E>,
): Promise<ProviderFixture<E>> {
  const clock = movableClock();
  const shop = await openWebhookReceiver();
  const emulatorOptions: EmulatorOptions = {
    port: 0,
    webhookUrl: () => it.webhookUrl?.(shop.url) ?? shop.url,
    timeScale: it.timeScale,
    clock,
    random: seededRandom(1).next,
  };
  const emulator = await it.start(emulatorOptions);
  let current: PaymentProvider | undefined;

  const self: ProviderFixture<E> = {
    clock,
    emulator,
    emulatorOptions,
    shop,
    adapter() {
      current ??= self.adapterWith({});
      return current;
    },
    adapterWith(variables, time) {
      const all = { ...emulator.environment, ...variables };
      const context = providerContext(all, time === undefined ? clock : movableClock(time), {
        publicUrl: shop.url,
        database: it.database,
      });
      return it.provider.create(context) ?? assert.fail("it is not configured");
    },
    intent: (changes = {}) =>
      paymentIntent(clock, it.money(it.price), { ...(it.payment && { options: it.payment }), ...changes }),
    async open(changes, by = self.adapter()) {
      const { providerRef } = await by.createPayment(self.intent(changes), never);
      return providerRef;
    },
    async openAndPay(changes, by) {
      const ref = await self.open(changes, by);
      await emulator.pay(ref, "succeed");
      return ref;
    },
    status: (ref) => self.adapter().fetchStatus(ref, never),
    refund: (providerRef, amount, idempotencyKey = newId(), by = self.adapter()) =>
      by.refund(
        { providerRef, receipt: null, amount: it.money(amount), reason: "broken", idempotencyKey },
        never,
      ),
    recordOf: (ref) => emulator.records().find((entry) => entry.providerRef === ref),
    async events(by = self.adapter()) {
      await emulator.idle();
      return Promise.all(
        shop.received.map(({ rawBody, headers }) =>
          by.verifyWebhook({ rawBody, headers, key: null, address: null }),
        ),
      );
    },
    async reset() {
      await emulator.idle();
      shop.received.length = 0;
      shop.answer = () => 200;
      emulator.knobs.api = [];
      emulator.knobs.webhooks = noFaults().webhooks;
      current = undefined;
    },
    async close() {
      await emulator.close();
      await shop.close();
    },
  };
  return self;
}

/** A payment that is paid at once: its webhook arrives before the answer that opens it, and names it. */
export async function assertNamedByRacingWebhook(fixture: ProviderFixture<Emulator>): Promise<void> {
  const { emulator, shop } = fixture;
  emulator.knobs.webhooks = { ...noFaults().webhooks, race: true };
  emulator.knobs.autopay = { outcome: "succeed", afterMs: 0 };
  const order: string[] = [];
  shop.answer = () => {
    order.push("webhook");
    return 200;
  };
  const it = fixture.intent();
  const opened = await fixture.adapter().createPayment(it, never);
  order.push("answer");
  emulator.knobs.autopay = null;
  assert.deepEqual(order, ["webhook", "answer"]);
  assert.deepEqual(
    (await fixture.events()).map((event) => [event.paymentId, event.providerRef]),
    [[it.paymentId, opened.providerRef]],
  );
}

/** What a payment is remains unknown where the provider does not say it: no failure counts as an answer. */
export async function assertUnknownWithoutAnswer(fixture: ProviderFixture<Emulator>): Promise<void> {
  const { emulator, status, adapter } = fixture;
  const unknown = { type: "PROVIDER_FAILED" };
  const ref = await fixture.open();
  for (const fault of [429, 500, 503, "reset", "unreachable"] as const) {
    emulator.knobs.api = [{ times: 1, fault }];
    await assert.rejects(status(ref), unknown, String(fault));
  }
  emulator.knobs.api = [{ times: 1, fault: "timeout" }];
  await assert.rejects(adapter().fetchStatus(ref, AbortSignal.timeout(100)), unknown);
}

/** How work at a provider fails: the code of the error, else its name. `done` where it does not. */
export const failureOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "done",
    (error: Error & { type?: string }) => error.type ?? error.name,
  );
