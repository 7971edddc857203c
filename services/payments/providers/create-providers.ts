/** The adapters of a shop's payment providers. */
import type { ProviderModule } from "./define-provider.ts";
import * as core from "./index.ts";
import type { PaymentProvider, ProviderContext } from "./provider.ts";

export const coreProviders: readonly ProviderModule[] = Object.values(core);

export interface Providers {
  /** Providers at which new payments may be opened. */
  readonly names: readonly string[];
  /** Their modules. */
  readonly open: readonly ProviderModule[];
  /** Also of providers that are not configured any more. */
  readonly modules: readonly ProviderModule[];
  /** Also finds a closed one. Undefined for one that is unknown or not configured. */
  find(name: string): PaymentProvider | undefined;
  /** What people call a provider, also one that is not configured any more. */
  titleOf(name: string): string;
  /**
   * The adapter of a module, with its own type, for features of only this provider. Null where it is not configured.
   */
  of<P extends PaymentProvider | null>(module: ProviderModule<P>): P | null;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** @throws where one of these has the name of another provider */
export function checkProviders(added: readonly ProviderModule[]): void {
  checkNames([...coreProviders, ...added]);
}

function checkNames(modules: readonly ProviderModule[]): void {
  const names = new Set<string>();
  for (const { name } of modules) {
    if (names.has(name)) throw new Error(`there are two payment providers ${name}`);
    names.add(name);
  }
}

/**
 * Makes the adapters of all configured providers.
 * @param modules Souk's own, and those of extensions
 * @throws {ConfigError} that names a bad variable
 */
export function createProviders(
  context: Omit<ProviderContext, "webhookUrl">,
  modules: readonly ProviderModule[] = coreProviders,
): Providers {
  checkNames(modules);
  const made = new Map(modules.map((it) => [it, it.create(context)]));
  const titles = new Map(modules.map(({ name, title = name }) => [name, title]));
  const configured = new Map<string, PaymentProvider>();
  for (const [{ name }, adapter] of made) if (adapter) configured.set(name, adapter);
  const open = modules.filter(({ name }) => configured.has(name) && !configured.get(name)?.closed);
  return {
    names: open.map(({ name }) => name),
    open,
    modules,
    find: (name) => configured.get(name),
    titleOf: (name) => titles.get(name) ?? name,
    of: <P extends PaymentProvider | null>(module: ProviderModule<P>) =>
      (made.get(module) as P | undefined) ?? null,
    async start() {
      for (const it of configured.values()) await it.start?.();
    },
    async stop() {
      await Promise.all([...configured.values()].map((it) => it.stop?.()));
    },
  };
}
