/** Stripe's form bodies, `metadata[orderId]=…` and `expand[0]=…`, and the checks of its API. */
import type { Call } from "../../support/emulator/http-app.ts";
import { invalid } from "./errors.ts";

export interface Params {
  text(name: string): string | undefined;
  /** @throws {Invalid} where it is missing or no whole number from 1 on */
  amount(name: string): number;
  /** Values of `name[…]`, by the text in the brackets. */
  group(name: string): Record<string, string>;
}

export function paramsOf(call: Call): Params {
  const fields = call.method === "POST" ? call.form() : call.query;
  const group = (name: string) => {
    const found: Record<string, string> = {};
    for (const [key, value] of fields) {
      const [, inner] = key.startsWith(`${name}[`) ? (/\[([^[\]]*)\]$/.exec(key) ?? []) : [];
      if (inner !== undefined) found[inner] = value;
    }
    return found;
  };
  return {
    text: (name) => fields.get(name) ?? undefined,
    group,
    amount(name) {
      const text = fields.get(name);
      if (!text) throw invalid(`Missing required param: ${name}.`, name, "parameter_missing");
      if (!/^\d+$/.test(text)) throw invalid(`Invalid integer: ${text}`, name, "parameter_invalid_integer");
      if (Number(text) < 1) throw invalid("This value must be greater than or equal to 1.", name);
      if (text.length > 12) throw invalid("Amount must be no more than 12 digits", name, "amount_too_large");
      return Number(text);
    },
  };
}

const THREE_DIGITS = ["bhd", "jod", "kwd", "omr", "tnd"];
const WHOLE_ONLY = ["isk", "ugx"];
const UNSUPPORTED = ["iqd", "lyd", "clf", "uyi", "uyw", "xau", "xdr", "xxx"];

/** @throws {Invalid} for an unsupported currency, or an amount that it can't have */
export function checkMoney(amount: number, currency: string): void {
  if (!/^[a-z]{3}$/.test(currency) || UNSUPPORTED.includes(currency))
    throw invalid(`Invalid currency: ${currency}.`, "currency");
  if (THREE_DIGITS.includes(currency) && amount % 10 !== 0)
    throw invalid("The last digit of amounts in this currency must be 0.", "amount");
  if (WHOLE_ONLY.includes(currency) && amount % 100 !== 0)
    throw invalid(
      `Invalid amount. Currency ${currency.toUpperCase()} must be evenly divisible by 100.`,
      "amount",
      "invalid_charge_amount_no_decimal_compatible",
    );
}
