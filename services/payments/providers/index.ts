/** The payment providers that this shop knows. A new one is a folder beside this file and a line below. */
import type { PaymentProvider, ProviderContext, ProviderFactory } from "./provider.ts";
import { createSandbox } from "./sandbox/sandbox.ts";

const factories = {
  sandbox: createSandbox,
} satisfies Record<string, ProviderFactory>;

type Made = { [K in keyof typeof factories]: ReturnType<(typeof factories)[K]> };

export interface Providers {
  readonly names: readonly string[];
  /** By kind, for what only one provider has. */
  readonly made: Made;
  /** Undefined for one that is unknown or not configured. */
  find(name: string): PaymentProvider | undefined;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Makes the adapters of all configured providers. */
export function createProviders(context: ProviderContext): Providers {
  const made = Object.fromEntries(
    Object.entries(factories).map(([name, make]) => [name, make(context)]),
  ) as Made;
  const configured = new Map<string, PaymentProvider>();
  for (const provider of Object.values(made) as (PaymentProvider | null)[])
    if (provider) configured.set(provider.name, provider);
  return {
    names: [...configured.keys()],
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
