/**
 * Stripe's amounts are also integers, but not always of ISO 4217's minor unit. Some currencies have fewer digits
 * there. Others have more, but must end in zeros (docs.stripe.com/currencies, "Special cases").
 */

import type { Money } from "../../../../broker/contract/schemas.ts";
import { minorDigits } from "../../../../broker/contract/values/currency.ts";
import { ProviderRefused, providerFailed } from "../provider.ts";

interface Unit {
  /** Of Stripe's integer. */
  readonly digits: number;
  /** Stripe's integers must be multiples of it. */
  readonly step: number;
}

const of = (codes: string, unit: Unit) => codes.split(" ").map((it) => [it, unit] as const);

const UNITS: ReadonlyMap<string, Unit> = new Map([
  ...of("BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF", { digits: 0, step: 1 }),
  // They have no fractions any more, but are still written with two digits.
  ...of("ISK UGX", { digits: 2, step: 100 }),
  ...of("BHD JOD KWD OMR TND", { digits: 3, step: 10 }),
]);

/** Undefined for a currency that Stripe does not support, so that its unit there is unknown. */
function unitOf(currency: string): Unit | undefined {
  return UNITS.get(currency) ?? (minorDigits(currency) === 2 ? { digits: 2, step: 1 } : undefined);
}

/** @throws {ProviderRefused} for an amount that Stripe can't represent */
export function toStripe({ amount, currency }: Money): { amount: number; currency: string } {
  const unit = unitOf(currency);
  if (!unit) throw new ProviderRefused(`Stripe does not take ${currency}`);
  const shift = unit.digits - minorDigits(currency);
  const converted = shift < 0 ? amount / 10 ** -shift : amount * 10 ** shift;
  if (!Number.isSafeInteger(converted) || converted % unit.step !== 0)
    throw new ProviderRefused(`Stripe does not take such a fraction of ${currency}`);
  return { amount: converted, currency: currency.toLowerCase() };
}

/** @throws {SoukError} PROVIDER_FAILED for a value that is no amount of ours */
export function fromStripe(amount: number, stripeCurrency: string): Money {
  const currency = stripeCurrency.toUpperCase();
  const unit = unitOf(currency);
  const shift = (unit?.digits ?? 0) - minorDigits(currency);
  const converted = shift < 0 ? amount * 10 ** -shift : amount / 10 ** shift;
  if (!unit || !Number.isSafeInteger(converted))
    throw providerFailed(`stripe reported ${amount} ${currency}, which is no amount`);
  return { amount: converted, currency };
}
