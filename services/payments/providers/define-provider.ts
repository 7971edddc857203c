/**
 * A provider is one folder here and one line in index.ts. Its module declares what others derive: configuration,
 * `.env.example`, checks for production, emulators. Its migrations are in `migrations/`, its specs in `test/`.
 */
import { z } from "zod";
import type { ErrorEntries } from "../../../broker/contract/errors.ts";
import { duration, parseVariables, type Variables } from "../../../broker/contract/variables.ts";
import { PROCESSING_MS } from "../payments.contract.ts";
import type { StartEmulator } from "./emulator.ts";
import { checkAddresses, testVariables } from "./production.ts";
import type { PaymentProvider, ProviderContext } from "./provider.ts";
import { checkOptions } from "./support/options.ts";

declare module "../../../broker/moleculer/extension.ts" {
  interface ExtensionParts {
    /** Payment providers, in addition to Souk's own. */
    readonly providers: readonly ProviderModule[];
  }
}

interface Declared extends Variables {
  /** The name that customers choose: lower-case letters, digits, - and _. */
  readonly name: string;
  /** The name that people know, for example "M-Pesa". Default: `name`. */
  readonly title?: string;
  /** Those that it takes, ISO 4217. Default: any, as far as the shop's account with it permits. */
  readonly currencies?: readonly string[];
  /** They begin with its name in capitals. */
  readonly variables: z.ZodObject;
  /**
   * Its own error codes, made by `defineErrors`. For providers of extensions: a gateway does not load Souk's own, so
   * their codes stand in payments.errors.ts.
   */
  readonly errors?: ErrorEntries;
  /** What the customer may choose beyond the provider, for example a phone number. Values are strings. */
  readonly options: z.ZodObject;
  /**
   * Options by which staff find its payments: parameters of `GET /payments`, which has `phone`. Each function converts
   * what people write to what is compared, or returns null for a text that can't be one.
   */
  readonly findBy?: { readonly phone?: (written: string) => string | null };
  /**
   * Matches its keys of the test mode, by which no money moves. Addresses with a host named "sandbox" count as test
   * addresses anyway.
   */
  readonly testKey?: RegExp;
  /** Loads its emulator, for `npm run emulators` and tests. */
  readonly emulator?: () => Promise<StartEmulator>;
}

/** One provider, of Souk or an extension. */
export interface ProviderModule<P extends PaymentProvider | null = PaymentProvider | null> extends Declared {
  /** Null where it is not configured. @throws {ConfigError} where it is partly configured */
  create(context: Omit<ProviderContext, "webhookUrl">): P;
}

interface Definition<S extends z.ZodObject, P extends PaymentProvider | null>
  extends Omit<Declared, "variables" | "options"> {
  /**
   * How long its slowest method may be `processing`, in milliseconds. Default: 14 days. The operator's variable
   * `<NAME>_PROCESSING_MAX` replaces it.
   */
  readonly processingMs?: number;
  readonly variables: S;
  readonly secrets: readonly (keyof z.output<S> & string)[];
  /** Default: nothing may be chosen. */
  readonly options?: z.ZodObject;
  create(context: ProviderContext, settings: z.output<S>): P;
}

/**
 * Declares a provider.
 * @throws for an invalid name of the provider or of a variable
 */
export function defineProvider<S extends z.ZodObject, P extends PaymentProvider | null>({
  options = z.strictObject({}),
  processingMs = PROCESSING_MS,
  ...it
}: Definition<S, P>): ProviderModule<P> {
  checkNames(it);
  const limit = `${variablePrefix(it.name)}_PROCESSING_MAX`;
  const common = {
    variables: z.object({
      [limit]: duration(processingMs).describe(
        `How long an order waits for money that ${it.name} reports to be on its way`,
      ),
    }),
    secrets: [],
  };
  return {
    ...it,
    variables: it.variables.extend(common.variables.shape),
    options,
    create(context) {
      checkForProduction(context, it);
      const webhooks = () => `${context.publicUrl()}/api/v1/payments/webhooks/${it.name}`;
      const made = it.create(
        { ...context, webhookUrl: (key) => (key === undefined ? webhooks() : `${webhooks()}/${key}`) },
        parseVariables(it, context.config.variables),
      );
      if (made) made.processingMs = parseVariables(common, context.config.variables)[limit];
      if (made) checkingOptions(made, (given) => checkOptions(it.name, options, given));
      return made;
    },
  };
}

function checkNames({ name, variables }: Pick<Declared, "name" | "variables">): void {
  if (!/^[a-z][a-z0-9_-]{0,31}$/.test(name)) throw new Error(`${name} can't be a payment provider's name`);
  const own = variablePrefix(name);
  const foreign = Object.keys(variables.shape).find((it) => it !== own && !it.startsWith(`${own}_`));
  if (foreign !== undefined) throw new Error(`${foreign}: a variable of ${name} must begin with ${own}_`);
}

const variablePrefix = (name: string): string => name.toUpperCase().replaceAll("-", "_");

/** No adapter gets options that its provider does not know. */
function checkingOptions(adapter: PaymentProvider, check: (given: Record<string, string>) => void): void {
  const open = adapter.createPayment.bind(adapter);
  adapter.createPayment = async (intent, signal) => {
    check(intent.options);
    return open(intent, signal);
  };
}

/** In production, settings of an emulator are refused. Those of a test mode are logged at each start. */
function checkForProduction(
  { config, log }: Pick<ProviderContext, "config" | "log">,
  { name, variables, testKey }: Pick<Declared, "name" | "variables" | "testKey">,
): void {
  if (config.NODE_ENV !== "production") return;
  const given = Object.fromEntries(Object.keys(variables.shape).map((it) => [it, config.variables[it]]));
  checkAddresses(given);
  const test = testVariables(given, testKey);
  if (test.length > 0) log.warn(`${name} is in its test mode: no money moves (${test.join(", ")})`);
}
