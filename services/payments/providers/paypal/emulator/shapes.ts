/** The request bodies of PayPal, as far as the emulator reads them, and its rules for amounts. */
import { z } from "zod";
import type { Call } from "../../support/emulator/http-app.ts";
import { invalid, unprocessable } from "./errors.ts";
import type { Amount } from "./state.ts";

const amount = z.object({ currency_code: z.string().length(3), value: z.string().max(32) });
const context = z.object({ return_url: z.url().optional(), cancel_url: z.url().optional() });

export const newOrder = z.object({
  intent: z.enum(["CAPTURE", "AUTHORIZE"]),
  purchase_units: z
    .array(
      z.object({
        amount,
        custom_id: z.string().max(255).optional(),
        invoice_id: z.string().max(127).optional(),
        description: z.string().max(127).optional(),
      }),
    )
    .min(1)
    .max(10),
  payment_source: z
    .object({
      paypal: z.object({ email_address: z.email().optional(), experience_context: context.optional() }),
    })
    .optional(),
  application_context: context.optional(),
});

export const newCapture = z.object({ amount: amount.optional(), final_capture: z.boolean().optional() });

export const newRefund = z.object({
  amount: amount.optional(),
  custom_id: z.string().max(127).optional(),
  note_to_payer: z.string().max(255).optional(),
});

export const verification = z.object({
  auth_algo: z.string(),
  cert_url: z.string(),
  transmission_id: z.string(),
  transmission_sig: z.string(),
  transmission_time: z.string(),
  webhook_id: z.string(),
  webhook_event: z.looseObject({}),
});

/** An empty body counts as an empty object. */
export function bodyAs<S extends z.ZodType>(schema: S, call: Call): z.output<S> {
  const { success, data, error } = schema.safeParse(call.rawBody.length === 0 ? {} : call.json());
  if (success) return data;
  const [issue] = error.issues;
  throw invalid(`/${issue?.path.join("/") ?? ""}`, issue?.message ?? "The body is invalid.");
}

const WHOLE_ONLY = ["HUF", "JPY", "TWD"];
const SUPPORTED =
  "AUD BRL CAD CHF CNY CZK DKK EUR GBP HKD HUF ILS JPY MXN MYR NOK NZD PHP PLN SEK SGD THB TWD USD".split(
    " ",
  );

/** @throws {Answered} for text that is no amount, or not one of this currency */
export function checkAmount({ currency_code, value }: Amount): void {
  if (!SUPPORTED.includes(currency_code))
    throw unprocessable("CURRENCY_NOT_SUPPORTED", "Currency code is not supported.");
  if (!/^\d+(\.\d{1,2})?$/.test(value) || Number(value) <= 0)
    throw unprocessable("CANNOT_BE_ZERO_OR_NEGATIVE", "Must be an amount greater than zero.");
  if (WHOLE_ONLY.includes(currency_code) && value.includes("."))
    throw unprocessable("DECIMALS_NOT_SUPPORTED", "Currency does not support decimals.");
}

/** In hundredths for every currency, so that sums are exact. */
export const hundredths = ({ value }: Amount): number => Math.round(Number(value) * 100);

export const fromHundredths = (sum: number, currency_code: string): Amount => ({
  currency_code,
  value: WHOLE_ONLY.includes(currency_code) ? String(sum / 100) : (sum / 100).toFixed(2),
});
