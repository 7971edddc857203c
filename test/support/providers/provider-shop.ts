/**
 * A whole shop that takes payments at one emulated provider. Webhooks go over HTTP to the gateway, through a relay
 * that tests can stop, repeat and change. The shop's log is kept, at the level of trace.
 */
import assert from "node:assert/strict";
import type { CallMeta } from "../../../broker/contract/call-meta.ts";
import type {
  ActionName,
  DataIn,
  MessageType,
  ParamsIn,
  Returned,
} from "../../../broker/contract/contract.ts";
import { envelope } from "../../../broker/contract/envelope.ts";
import { newId } from "../../../broker/contract/ids.ts";
import type { Money } from "../../../broker/contract/schemas.ts";
import type { Clock } from "../../../broker/resilience/clock.ts";
import type { OrderView } from "../../../services/orders/orders.contract.ts";
import type { ProviderModule } from "../../../services/payments/providers/define-provider.ts";
import type {
  Emulator,
  ProviderRecord,
  StartEmulator,
} from "../../../services/payments/providers/emulator.ts";
import type { Intercepting } from "../../../services/payments/providers/sandbox/test/sandbox-emulator.ts";
import { anAddress } from "../../../souk/testing/address.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import { type Shop, startShop } from "../../../souk/testing/start-shop.ts";
import { seededRandom } from "../seeded-random.ts";
import { openWebhookReceiver, type ReceivedWebhook } from "./webhook-receiver.ts";

export const staff: CallMeta = {
  user: {
    id: newId(),
    roles: ["customer", "staff"],
    scopes: ["orders:read", "orders:write", "payments:read", "deliveries:read", "catalogue:read"],
  },
};

type Payment = Returned<"payments.listByOrder">["items"][number];

export interface Relay {
  readonly url: string;
  /** All webhooks that the provider has sent. */
  readonly received: ReceivedWebhook[];
  /** Statuses of the shop's answers. */
  readonly answered: number[];
  /** While set, webhooks are accepted and not passed on. */
  held: ReceivedWebhook[] | null;
  /** Hands a webhook to the shop's gateway. @returns the status of the answer */
  deliver(webhook: ReceivedWebhook): Promise<number>;
}

export interface ProviderShop {
  readonly shop: Shop;
  readonly emulator: Emulator;
  readonly relay: Relay;
  /** What was logged so far. */
  readonly log: readonly string[];
  call<N extends ActionName>(name: N, params: ParamsIn<N>, meta?: CallMeta): Promise<Returned<N>>;
  publish<T extends MessageType>(type: T, subject: string, data: DataIn<T>): Promise<void>;
  /** Moves the clock of shop and provider ahead. */
  advance(ms: number): void;
  /** A new customer's order, as soon as its payment is open or has failed. */
  order(
    total: Money,
    options?: Record<string, string>,
    waitS?: number,
  ): Promise<{ order: OrderView; meta: CallMeta }>;
  /** The order's latest payment, when it is as wanted. */
  payment(orderId: string, wanted?: (it: Payment) => boolean, withinMs?: number): Promise<Payment>;
  refOf(paymentId: string): Promise<string>;
  /** What the provider itself knows. */
  records(): Promise<readonly ProviderRecord[]>;
  reaches(orderId: string, status: OrderView["status"]): Promise<OrderView>;
  /** What staff were told of it. */
  anomalies(paymentId: string): Promise<string[]>;
  close(): Promise<void>;
}

export interface ProviderShopOptions {
  provider: ProviderModule;
  /** Instead of the emulator that the module declares. */
  start?: StartEmulator;
  env?: Record<string, string>;
  /** Of the provider's waits between repeated webhooks. */
  timeScale?: number;
  seed?: number;
  /** Options of every payment, e.g. a phone number. */
  payment?: Record<string, string>;
  /** The provider's records, where the emulator does not keep them. */
  records?(shop: Shop): Promise<readonly ProviderRecord[]>;
}

export async function openProviderShop(it: ProviderShopOptions): Promise<ProviderShop> {
  const { provider, env = {}, timeScale = 10_000, seed = 1, payment: given } = it;
  const { name } = provider;
  const start = it.start ?? (await provider.emulator?.());
  assert.ok(start, `${name} has no emulator`);
  let ahead = 0;
  const clock: Clock = { now: () => Date.now() + ahead };
  const receiver = await openWebhookReceiver();
  const emulator = await start({
    port: 0,
    webhookUrl: () => `${receiver.url}/api/v1/payments/webhooks/${name}`,
    timeScale,
    clock,
    random: seededRandom(seed).next,
  });
  const log = keepLog();
  const shop = await startShop({
    clock,
    env: {
      PUBLIC_URL: receiver.url,
      LOG_LEVEL: "trace",
      LOG_FORMAT: "json",
      RECONCILE_FIRST: "500ms",
      RECONCILE_MAX: "3s",
      PROVIDER_TIMEOUT: "3s",
      ...emulator.environment,
      ...env,
    },
  });
  const { broker, runtime } = shop.node;
  const relay: Relay = {
    url: receiver.url,
    received: [],
    answered: [],
    held: null,
    async deliver(webhook) {
      const status = await pass(webhook);
      relay.answered.push(status);
      return status;
    },
  };
  async function pass({ path, headers, rawBody }: ReceivedWebhook): Promise<number> {
    const { host: _, "content-length": __, connection: ___, ...rest } = headers;
    const answer = await fetch(shop.url + path, {
      method: "POST",
      headers: rest,
      body: new Uint8Array(rawBody),
    });
    await answer.arrayBuffer();
    return answer.status;
  }
  receiver.answer = async (it) => {
    // The sandbox's own pages are behind the same address.
    if (!it.path.includes("/webhooks/")) return (await pass(it)) < 300 ? 200 : 500;
    const webhook = intercepts(emulator) ? await emulator.intercept(it) : it;
    if (!webhook) return 200;
    relay.received.push(webhook);
    if (!relay.held) return relay.deliver(webhook);
    relay.held.push(webhook);
    return 200;
  };

  const call: ProviderShop["call"] = (action, params, meta = staff) =>
    broker.call<Returned<typeof action>, object>(action, params as object, { meta: { ...meta } });
  const skus = new Map<string, Promise<string>>();
  const skuAt = (price: Money) => {
    const key = `${price.amount} ${price.currency}`;
    const found = skus.get(key) ?? offer(price);
    skus.set(key, found);
    return found;
  };
  async function offer(price: Money): Promise<string> {
    const sku = `SKU-${newId()}`;
    await call("products.create", { name: "Tea", variants: [{ sku, price }] });
    await call("inventory.create", { sku, onHand: 1_000_000 });
    return sku;
  }

  const self: ProviderShop = {
    shop,
    emulator,
    relay,
    log: log.lines,
    call,
    publish: (type, subject, data) =>
      runtime.bus.publish(envelope(type, subject, data, { source: "/test", at: clock.now() })),
    advance(ms) {
      ahead += ms;
    },
    async order(total, options = {}, waitS = 10) {
      const meta: CallMeta = { user: { id: newId(), roles: ["customer"] } };
      await call("cart.setItem", { sku: await skuAt(total), quantity: 1 }, meta);
      const chosen = { ...given, ...options };
      const order = await call(
        "orders.place",
        {
          shippingAddress: anAddress(),
          payment: { provider: name, ...(Object.keys(chosen).length > 0 ? { options: chosen } : {}) },
        },
        { ...meta, idempotencyKey: newId(), preferWait: waitS },
      );
      return { order, meta };
    },
    payment: (orderId, wanted = () => true, withinMs = 15_000) =>
      eventually(
        `the payment of ${orderId} is as wanted`,
        async () => {
          const { items } = await call("payments.listByOrder", { id: orderId });
          const latest = items[0] ?? assert.fail("it has no payment");
          if (!wanted(latest)) throw new Error(`it is ${JSON.stringify(latest)}`);
          return latest;
        },
        withinMs,
      ),
    refOf: (paymentId) =>
      eventually(`the reference of ${paymentId}`, async () => {
        const payments = runtime
          .database("payments")
          .collection<{ _id: string; state: { providerRef: string } }>("payments");
        return (await payments.findOne({ _id: paymentId }))?.state.providerRef ?? undefined;
      }),
    records: async () => (it.records ? it.records(shop) : emulator.records()),
    reaches: (id, status) =>
      eventually(
        `order ${id} is ${status}`,
        async () => {
          const order = await call("orders.get", { id });
          if (order.status !== status) throw new Error(`it is ${order.status}`);
          return order;
        },
        15_000,
      ),
    async anomalies(paymentId) {
      const { items } = await call("payments.anomalies", { limit: 100 });
      return items.filter((one) => one.paymentId === paymentId).map((one) => one.kind);
    },
    async close() {
      await shop.stop();
      log.restore();
      await emulator.close();
      await receiver.close();
    },
  };
  return self;
}

const intercepts = (it: Emulator): it is Emulator & Intercepting => "intercept" in it;

/** Takes the log's JSON lines from standard output, and leaves all else there. */
function keepLog(): { lines: string[]; restore(): void } {
  const lines: string[] = [];
  const write = process.stdout.write;
  process.stdout.write = ((chunk: unknown, ...rest: unknown[]) => {
    const text = String(chunk);
    if (!text.startsWith('{"')) return Reflect.apply(write, process.stdout, [chunk, ...rest]);
    lines.push(text);
    for (const done of rest) if (typeof done === "function") done();
    return true;
  }) as typeof write;
  return {
    lines,
    restore() {
      process.stdout.write = write;
    },
  };
}
