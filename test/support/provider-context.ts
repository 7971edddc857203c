/** What tests of one provider's adapter have in common: what it is made from, what it is asked for, a calm emulator. */

import { newId } from "../../broker/contract/ids.ts";
import type { Money } from "../../broker/contract/schemas.ts";
import { type Config, loadConfig } from "../../broker/moleculer/config.ts";
import type { Clock } from "../../broker/resilience/clock.ts";
import { calm, type Emulator } from "../../services/payments/providers/emulator.ts";
import type {
  PaymentIntent,
  PaymentProvider,
  ProviderContext,
} from "../../services/payments/providers/provider.ts";
import { silentLog } from "./silent-log.ts";
import type { WebhookReceiver } from "./webhook-receiver.ts";

const noDatabase = new Proxy({} as ProviderContext["database"], {
  get(_, name) {
    throw new Error(`this provider needs a database: ${String(name)}`);
  },
});

/** Variables and a clock, and no database. */
export function providerContext(
  variables: Readonly<Record<string, string>>,
  clock: Clock,
  publicUrl = "https://shop.test",
): Omit<ProviderContext, "webhookUrl"> {
  const config: Config = loadConfig({ ...variables });
  return { config, clock, log: silentLog, database: noDatabase, publicUrl: () => publicUrl };
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
  amount,
  expiresAt: new Date(clock.now() + 30 * 60_000),
  options: {},
  ...changes,
});

/** Between two tests: no faults, nothing received, and webhooks are taken. */
export async function calmDown(emulator: Emulator, shop: WebhookReceiver): Promise<void> {
  await emulator.idle();
  shop.received.length = 0;
  shop.answer = () => 200;
  emulator.knobs.api = [];
  emulator.knobs.webhooks = calm().webhooks;
}

/** What the adapter makes of all webhooks that the shop has received, when no more will come. */
export async function webhookEvents(emulator: Emulator, shop: WebhookReceiver, adapter: PaymentProvider) {
  await emulator.idle();
  return Promise.all(
    shop.received.map(({ rawBody, headers }) =>
      adapter.verifyWebhook({ rawBody, headers, key: null, address: null }),
    ),
  );
}

/** Opens a payment that is paid at once and whose webhook overtakes the answer. @returns what came, in order */
export async function racedByWebhook<T>(
  emulator: Emulator,
  shop: WebhookReceiver,
  open: () => Promise<T>,
): Promise<{ opened: T; order: string[] }> {
  emulator.knobs.webhooks = { ...calm().webhooks, race: true };
  emulator.knobs.autopay = { outcome: "succeed", afterMs: 0 };
  const order: string[] = [];
  shop.answer = () => {
    order.push("webhook");
    return 200;
  };
  const opened = await open();
  order.push("answer");
  emulator.knobs.autopay = null;
  return { opened, order };
}
