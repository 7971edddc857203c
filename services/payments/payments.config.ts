/** Variables of payments and invoices. */
import { z } from "zod";
import { type ConfigOf, defineConfig, duration, whole } from "../../broker/contract/variables.ts";

/** A line that is printed on documents. */
const printed = (max: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(max)
    .regex(/^[^\p{Cc}]*$/u, "must not contain control characters");

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone !== "";
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

function isLocale(tag: string): boolean {
  try {
    return Intl.getCanonicalLocales(tag).length === 1;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

export const paymentsConfig = defineConfig({
  SHOP_NAME: printed(120).optional().describe("The shop's name on its pages; SELLER_NAME unless set"),
  SHOP_LOCALE: z
    .string()
    .max(35)
    .refine(isLocale, "must be a BCP 47 language tag")
    .default("en")
    .describe("Language of the shop's names and texts, for example sw-KE"),
  SELLER_NAME: printed(120).default("Souk").describe("The seller's name on invoices"),
  SELLER_ADDRESS: printed(500)
    .transform((it) => it.split("|").map((line) => line.trim()))
    .refine((it) => it.length <= 6 && !it.includes(""), "must be at most 6 lines, none of them empty")
    .default([])
    .describe("The seller's address on invoices, its lines separated by |"),
  SELLER_TAX_ID: printed(60).optional().describe("The seller's tax or VAT number on invoices"),
  SELLER_COUNTRY: z
    .string()
    .regex(/^[A-Z]{2}$/, "must be an ISO 3166-1 alpha-2 code, for example KE")
    .optional()
    .describe("The seller's country as a code of two letters, for example KE; electronic invoices need it"),
  SELLER_LOGO: z
    .string()
    .min(1)
    .optional()
    .describe("Path of the seller's logo on invoices: a PNG or JPEG of at most 1 MB and 4 million pixels"),
  SELLER_TIME_ZONE: z
    .string()
    .refine(isTimeZone, "must be an IANA time zone")
    .default("UTC")
    .describe("Time zone of an invoice's day, and so of the year of its number, for example Africa/Nairobi"),
  TAX_NAME: printed(20).default("Tax").describe("Name of the tax on invoices, for example VAT"),
  TAX_RATE: whole(0, 10_000)
    .default(0)
    .describe("Tax included in all prices, in basis points of the net price: 1600 is 16 %"),
  INVOICE_MODE: z
    .enum(["immediate", "batch"])
    .default("immediate")
    .describe(
      "immediate opens each payment at its provider at once; batch collects payments and opens them together",
    ),
  INVOICE_BATCH_INTERVAL: duration(60_000).describe("Time between two openings in INVOICE_MODE=batch"),
  // Two calls must fit into the time of a worker, see define-service.ts.
  PROVIDER_TIMEOUT: duration(15_000)
    .refine((it) => it <= 25_000, "must be at most 25s")
    .describe(
      "How long a payment provider may take to answer, at most 25s; then the call is repeated with the same key",
    ),
  RECONCILE_FIRST: duration(10_000).describe(
    "Time until a provider is asked for the state of an open payment or refund; further questions after 3, 6, 12, … times as long",
  ),
  RECONCILE_MAX: duration(3_600_000).describe("Longest time between two such questions"),
  RECONCILE_GRACE: duration(86_400_000).describe(
    "How long after an order's time to pay its provider is still asked about late payments",
  ),
});

declare module "../../broker/moleculer/config.ts" {
  interface Config extends ConfigOf<typeof paymentsConfig> {}
}
