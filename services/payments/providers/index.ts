/** The payment providers that this shop knows. A new one is a folder beside this file and a line below. */

import { midtrans } from "./midtrans/midtrans.ts";
import { mpesa } from "./mpesa/mpesa.ts";
import { paypal } from "./paypal/paypal.ts";
import type { PaymentProvider, ProviderContext, ProviderModule } from "./provider.ts";
import { sandbox } from "./sandbox/sandbox.ts";
import { stripe } from "./stripe/stripe.ts";
import { xendit } from "./xendit/xendit.ts";

/** One line each. */
export const modules = {
  sandbox,
  stripe,
  paypal,
  midtrans,
  xendit,
  mpesa,
} satisfies Record<string, ProviderModule>;

type Made = { [K in keyof typeof modules]: ReturnType<(typeof modules)[K]["create"]> };

export interface Providers {
  /** Those that new payments may be opened at. */
  readonly names: readonly string[];
  /** Also of those that are closed. By kind, for what only one provider has. */
  readonly made: Made;
  /** Undefined for one that is unknown or not configured. */
  find(name: string): PaymentProvider | undefined;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Makes the adapters of all configured providers. @throws {ConfigError} that names a bad variable */
export function createProviders(context: Omit<ProviderContext, "webhookUrl">): Providers {
  const made = Object.fromEntries(
    Object.entries(modules).map(([name, it]) => [name, it.create(context)]),
  ) as Made;
  const configured = new Map<string, PaymentProvider>();
  for (const provider of Object.values(made) as (PaymentProvider | null)[])
    if (provider) configured.set(provider.name, provider);
  return {
    names: [...configured.values()].filter((it) => !it.closed).map((it) => it.name),
    made,
    find: (name) => configured.get(name),
    async start() {
      for (const it of configured.values()) await it.start?.();
    },
    async stop() {
      await Promise.all([...configured.values()].map((it) => it.stop?.()));
    },
  };
}
