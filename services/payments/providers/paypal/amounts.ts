/** PayPal's amounts: decimal strings of its currencies, three of them without decimals there. */

import type { Money } from "../../../../broker/contract/schemas.ts";
import { minorDigits } from "../../../../broker/contract/values/currency.ts";
import { ProviderRefused, providerFailed } from "../provider.ts";

export interface PayPalMoney {
  currency_code: string;
  value: string;
}

export const SUPPORTED = new Set(
  "AUD BRL CAD CHF CNY CZK DKK EUR GBP HKD HUF ILS JPY MXN MYR NOK NZD PHP PLN SEK SGD THB TWD USD".split(
    " ",
  ),
);
const WHOLE_ONLY = new Set(["HUF", "JPY", "TWD"]);

/** @throws {ProviderRefused} for an amount that PayPal can't represent */
export function toPayPal({ amount, currency }: Money): PayPalMoney {
  if (!SUPPORTED.has(currency)) throw new ProviderRefused(`PayPal does not take ${currency}`);
  const digits = minorDigits(currency);
  const text = String(amount).padStart(digits + 1, "0");
  const whole = text.slice(0, text.length - digits);
  const fraction = text.slice(text.length - digits);
  if (!WHOLE_ONLY.has(currency)) return { currency_code: currency, value: `${whole}.${fraction}` };
  if (/[1-9]/.test(fraction)) throw new ProviderRefused(`PayPal does not take a fraction of ${currency}`);
  return { currency_code: currency, value: whole };
}

/** @throws {SoukError} PROVIDER_FAILED for text that is no amount of ours */
export function fromPayPal({ currency_code: currency, value }: PayPalMoney): Money {
  const digits = minorDigits(currency);
  const [, whole, fraction = ""] = /^(\d{1,15})(?:\.(\d{1,6}))?$/.exec(value) ?? [];
  const amount = Number(`${whole}${fraction.slice(0, digits).padEnd(digits, "0")}`);
  if (whole === undefined || /[1-9]/.test(fraction.slice(digits)) || !Number.isSafeInteger(amount))
    throw providerFailed(`paypal reported ${value.slice(0, 40)} ${currency}, which is no amount`);
  return { amount, currency };
}
