/** What tests of all providers must know of each: `test/traits.ts` in a provider's folder. */
import type { Money } from "../../../broker/contract/schemas.ts";
import { coreProviders } from "../../../services/payments/providers/create-providers.ts";
import type { ProviderModule } from "../../../services/payments/providers/define-provider.ts";
import type { StartEmulator } from "../../../services/payments/providers/emulator.ts";
import type { ProviderShopOptions } from "./provider-shop.ts";

export type Capability =
  /** Gives money back, or only says that it will. */
  | "refund"
  /** Several refunds of parts. */
  | "partialRefund"
  /** Its own dashboard can give money back, and it reports that. */
  | "refundAtProvider"
  /** The customer's bank can take the money back, and it reports that. */
  | "dispute"
  /** The emulator's API can fail: `Knobs.api`. */
  | "apiFaults"
  /** The customer's paying takes the money; else it waits for the shop's capture. */
  | "takeAtOnce"
  /** Asked twice with one key it opens one payment; else the customer is asked twice, and pays once. */
  | "createOnce"
  /** Answers 401 to wrong credentials. */
  | "misconfigure"
  /** A customer can pay the same payment after a failure there. */
  | "retryAfterDecline"
  /** The customer's bank may be slow: the provider says so, and later whether the money has come. */
  | "process"
  /** The emulator's customer can pay another amount than asked. */
  | "tooMuch"
  /** It may add a fee for itself, which the customer pays and it declares. */
  | "feeOnTop";

/** Special behaviour of a provider, which is tested instead of the usual one. */
export type Limit =
  /** Keeps a failed attempt to itself. The customer may try again until it expires. */
  | "silentDecline"
  /** A webhook with a changed amount can't be rejected. It changes nothing, and staff are told. */
  | "unsignedAmount"
  /** Refunds only payments whose receipt a webhook has reported. Staff are told that a refund has failed. */
  | "refundNeedsWebhook";

export interface ProviderTraits {
  readonly provider: ProviderModule;
  /** Instead of the emulator that the module declares. */
  readonly start?: StartEmulator;
  readonly env?: Record<string, string>;
  readonly payment?: Record<string, string>;
  /** One amount at least; one per number of decimals that it takes. The first is used throughout. */
  readonly takes: readonly [Money, ...Money[]];
  /** A currency that it does not take; null where there is none. */
  readonly refuses: Money | null;
  /**
   * How a webhook proves itself. `signature` covers the whole body. `body` is in the body and covers a part. `token`
   * is static. Or there is no proof. `stale`: an old one is rejected.
   */
  readonly webhooks: { readonly proof: "signature" | "body" | "token" | "none"; readonly stale: boolean };
  /** As in {@link ProviderShopOptions}. */
  readonly records?: ProviderShopOptions["records"];
  readonly can: readonly Capability[];
  /** The route of a partial refund, as in {@link Knobs.api}. None where the emulator has no API. */
  readonly refundRoute?: string;
  readonly limits?: readonly Limit[];
  /**
   * Used where a forged webhook can't be rejected. Returns the payment's reference for a forged one, null for a true
   * one.
   * Staff must be told of each such payment, and of no other.
   */
  readonly forged?: (rawBody: Buffer) => string | null;
  /** What the log must not hold, beside the secrets among the emulator's variables. */
  readonly secrets?: Record<string, string>;
}

/** What `file` in the `test/` folder of each listed provider exports, by the provider's name. @throws where one has none */
export async function ofEachProvider<T extends object>(file: string): Promise<Map<string, T>> {
  const found = new Map<string, T>();
  for (const { name } of coreProviders)
    found.set(name, await import(`../../../services/payments/providers/${name}/test/${file}`));
  return found;
}
