/** Schemas that many contracts share: ids, money, text and paging. */
import { z } from "zod";
import { orRequired } from "./sentences.ts";
import { canonicalEmail } from "./values/email.ts";
import { isoDate, isoTime, printable, trimmed } from "./values/patterns.ts";
import { cleanLine, cleanText, isVisible } from "./values/text.ts";

export const id = z.uuid({ version: "v7", error: orRequired("must be a UUIDv7") }).meta({
  description: "UUIDv7",
  examples: ["01941b2e-5c00-7d3a-9f10-3c5d8a7e6b21"],
});
/**
 * As shops have them: `317-01-549-10/12`, `AB 12`, `ÉTE-1`. They are compared in Unicode's composed form (NFC), which this
 * makes of them. In an address `/` is `%2F`; `.` and `..` would be steps there.
 */
export const sku = z
  .string()
  // Composing takes quadratic time, and may shorten a text to a quarter.
  .max(4 * 64, { abort: true })
  .overwrite((it) => it.normalize("NFC"))
  .max(64)
  .regex(trimmed, {
    error: ({ input }) =>
      input === "" ? "must not be empty" : "must not have control characters, or blanks at its ends",
  })
  .refine(
    (it) => isVisible(it) && it !== "." && it !== "..",
    "must not have invisible characters, or ones that turn text around, and not be . or ..",
  )
  .meta({ description: "Stock keeping unit, of any script", examples: ["LAMP-BRASS-1"] });
export const slug = z
  .string()
  .max(120)
  .regex(/^[a-z0-9]+(?:-[a-z0-9]+)*$/, "must be lower-case words joined by -")
  .meta({ description: "Name in addresses", examples: ["brass-lamp"] });
/**
 * One line of text from a person. It is cleaned, not refused, because messages and states of earlier versions use the
 * same schema.
 */
export const line = (max: number) =>
  z
    .string()
    .overwrite(cleanLine)
    .min(1)
    .max(max)
    .regex(printable, "must not contain control characters")
    .meta({ examples: ["Some text"] });
/** A line that may be empty. */
export const label = (max: number) => z.string().overwrite(cleanLine).max(max);
/** Text of several lines. */
export const text = (max: number) => z.string().overwrite(cleanText).max(max);
/** As it was typed. It is compared by its canonical form, see email.ts. */
export const email = z
  .string()
  .overwrite(cleanLine)
  .max(254)
  .refine((it) => canonicalEmail(it) !== undefined, "must be an e-mail address")
  .meta({
    format: "idn-email",
    description: "Also of other scripts than Latin",
    examples: ["ann@example.com"],
  });
export const currency = z
  .string()
  .regex(/^[A-Z]{3}$/, "must be an ISO 4217 code")
  .meta({ description: "ISO 4217 code", examples: ["USD"] });
/** Amounts stay far below 2^53, so their sums are exact. */
export const minorUnits = z
  .int()
  .min(0)
  .max(1_000_000_000_000)
  .meta({ examples: [1299] });
export const money = z.strictObject({ amount: minorUnits, currency }).meta({
  id: "Money",
  description: "An amount in the minor unit of its currency",
  examples: [{ amount: 4900, currency: "USD" }],
});
/** A sum of several amounts. It may exceed the largest amount of one order: 100 lines of 999 expensive pieces. */
export const moneySum = z
  .strictObject({
    amount: z
      .int()
      .min(0)
      .meta({ examples: [2598] }),
    currency,
  })
  .meta({ id: "MoneySum", description: "A sum of amounts, which may be larger than any of them may be" });
export const quantity = z
  .int()
  .min(1)
  .max(999)
  .meta({ examples: [2] });
export const time = z
  .stringFormat("date-time", isoTime, { error: orRequired("must be a time in UTC (RFC 3339)") })
  .meta({
    examples: ["2026-11-27T09:30:00.000Z"],
  });
export const date = z.stringFormat("date", isoDate, { error: orRequired("must be a date (RFC 3339)") }).meta({
  examples: ["2026-11-27"],
});
export const country = z
  .string()
  .regex(/^[A-Z]{2}$/, "must be an ISO 3166-1 alpha-2 code")
  .meta({ description: "ISO 3166-1 alpha-2 code", examples: ["US"] });

export const address = z
  .strictObject({
    name: line(120).meta({ description: "Whose it is", examples: ["Ann Example"] }),
    line1: line(200).meta({ examples: ["1 Market Street"] }),
    line2: line(200)
      .meta({ examples: ["Floor 2"] })
      .optional(),
    city: line(120).meta({ examples: ["Springfield"] }),
    region: line(120)
      .meta({ examples: ["IL"] })
      .optional(),
    postalCode: line(20)
      .meta({ description: "Some countries have none", examples: ["12345"] })
      .optional(),
    country,
    phone: line(40)
      .meta({ description: "As it was typed", examples: ["+1 202 555 0100"] })
      .optional(),
    phoneE164: z
      .string()
      .regex(/^\+[1-9][0-9]{3,16}$/, "must be a number in E.164")
      .meta({ description: "The phone number in E.164; made from `phone`", examples: ["+12025550100"] })
      .optional(),
  })
  .meta({ id: "Address", description: "A postal address" });

/** Paging parameters of a query string, where numbers are text. */
export const limit = z.coerce
  .number<number | string>()
  .int()
  .min(1)
  .max(100)
  .default(20)
  .meta({ description: "How many at most" });
export const cursor = z
  .string()
  .max(500)
  .regex(/^[A-Za-z0-9_-]+$/, "must be a cursor from a reply")
  .optional()
  .meta({ description: "`nextCursor` of the page before; the first page without" });
export const flag = z.union([z.boolean(), z.stringbool()]);
/** A part of a list; named after its items: `OrderPage`. */
export const page = <T extends z.ZodType>(item: T) =>
  named(item, "Page", {
    items: z.array(item),
    nextCursor: z
      .string()
      .nullable()
      .meta({ description: "`cursor` of the next page; null on the last one", examples: [null] }),
    total: z.int().optional().meta({ description: "How many there are on all pages, where it is counted" }),
  });
/** A list that has no further pages; named after its items: `SessionList`. */
export const list = <T extends z.ZodType>(item: T) =>
  named(item, "List", {
    items: z.array(item),
    nextCursor: z.null().meta({ description: "Always null: there are no further pages" }),
  });

function named<S extends z.core.$ZodLooseShape>(item: z.ZodType, suffix: "Page" | "List", shape: S) {
  const { id: name } = item.meta() ?? {};
  if (name === undefined) throw new Error("what is listed needs a name: .meta({ id })");
  const description = suffix === "Page" ? `One page of a list of ${name}` : `A whole list of ${name}`;
  return z.strictObject(shape).meta({ id: `${name}${suffix}`, description });
}

export type Money = z.output<typeof money>;
export type Address = z.output<typeof address>;
