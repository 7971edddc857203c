/** What lists and suggestions of the catalogue take and give. */
import { z } from "zod";
import { cursor, flag, id, limit, line, minorUnits, money, slug } from "../../broker/contract/schemas.ts";
import { printable } from "../../broker/contract/values/patterns.ts";
import { cleanLine } from "../../broker/contract/values/text.ts";

/** The most that facets show. */
export const FACETS = { categories: 100, options: 20, values: 100 } as const;

/** What was typed into a search box. Empty is as if there were none. */
export const searchText = z
  .string()
  .overwrite(cleanLine)
  .max(100)
  .regex(printable, "must not contain control characters")
  .meta({ description: "What to search for; as without it where it is empty", examples: ["lamp"] });

const amount = z.coerce.number<number | string>().pipe(minorUnits).optional();
const optionValue = line(200);
/** `options.Colour=red&options.Colour=blue&options.Size=M` */
const optionFilters = z
  .record(line(120), z.union([optionValue, z.array(optionValue).min(1).max(20)]))
  .refine((it) => Object.keys(it).length <= 10, "at most 10 options")
  .meta({
    description:
      "`options.<name>=<value>`, for example `options.Colour=brass`: a variant must have it. Repeated, any of the values.",
    examples: [{ Colour: "brass" }],
  });

export const listParams = z.strictObject({
  q: searchText.optional(),
  category: z
    .union([id, slug])
    .optional()
    .meta({ description: "Category id or slug; includes its children" }),
  minPrice: amount.meta({ description: "In minor units, of a variant that can be had" }),
  maxPrice: amount.meta({ description: "In minor units, of a variant that can be had" }),
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/, "must be an ISO 4217 code")
    .optional()
    .meta({
      description: "ISO 4217 code of the currency of `minPrice` and `maxPrice`; the shop's without it",
      examples: ["USD"],
    }),
  inStock: flag.optional().meta({ description: "Only what can be bought now" }),
  options: optionFilters.optional(),
  published: flag.optional().meta({ description: "`false`: what customers don't see, for staff only" }),
  sort: z
    .enum(["relevance", "newest", "name", "-name", "price", "-price", "rating"])
    .meta({ id: "ProductSort", description: "What comes first; `-` turns it round" })
    .optional()
    .meta({ description: "What comes first: of a search the most relevant, else the newest" }),
  limit,
  cursor,
});

const count = z.int().meta({ description: "How many of the products that were found", examples: [1] });

const categoryFacet = z.strictObject({ id, name: z.string(), count: z.int() }).meta({
  id: "CategoryFacet",
  description: "A category, and how many of the products that were found are in it",
  examples: [{ id: "01941a00-1c00-7e21-8b44-6d0f2a9c5e13", name: "Lamps", count: 1 }],
});
const priceFacet = z.strictObject({ min: money, max: money, count }).meta({
  id: "PriceFacet",
  description: "The lowest and the highest price of one currency, of variants that can be had",
});
const optionFacet = z
  .strictObject({
    name: z.string().meta({ examples: ["Colour"] }),
    values: z.array(
      z
        .strictObject({ value: z.string().meta({ examples: ["brass"] }), count })
        .meta({ id: "OptionCount", description: "A value of an option, and how many products have it" }),
    ),
  })
  .meta({
    id: "OptionFacet",
    description: `An option and its most frequent values, at most ${FACETS.values}`,
  });
const stockFacet = z
  .strictObject({ inStock: count, outOfStock: count })
  .meta({ id: "StockFacet", description: "How many can be bought now, and how many can't" });
export const productFacets = z
  .strictObject({
    categories: z.array(categoryFacet),
    prices: z.array(priceFacet),
    options: z.array(optionFacet),
    stock: stockFacet,
  })
  .meta({
    id: "ProductFacets",
    description:
      `What a list could be narrowed by: the most frequent ${FACETS.categories} categories and ${FACETS.options} ` +
      "options. A count says how many there would be with that value in place of the present one.",
    examples: [
      {
        categories: [{ id: "01941a00-1c00-7e21-8b44-6d0f2a9c5e13", name: "Lamps", count: 1 }],
        prices: [
          { min: { amount: 4900, currency: "USD" }, max: { amount: 4900, currency: "USD" }, count: 1 },
        ],
        options: [{ name: "Colour", values: [{ value: "brass", count: 1 }] }],
        stock: { inStock: 1, outOfStock: 0 },
      },
    ],
  });

export const suggestParams = z.strictObject({
  q: searchText,
  limit: z.coerce
    .number<number | string>()
    .int()
    .min(1)
    .max(20)
    .default(8)
    .meta({ description: "How many at most" }),
});

export const suggestion = z
  .strictObject({
    kind: z
      .enum(["product", "category", "sku"])
      .meta({ id: "SuggestionKind", description: "What `id` and `slug` are of; a product's for a SKU" }),
    text: z.string().meta({ description: "Name or SKU", examples: ["Brass lamp"] }),
    id,
    slug,
    image: z
      .string()
      .nullable()
      .meta({ description: "Of a product", examples: [null] }),
  })
  .meta({
    id: "Suggestion",
    description: "Something that begins with what was typed",
    examples: [
      {
        kind: "product",
        text: "Brass lamp",
        id: "01941a10-2f00-7c35-9d58-0a7b3e6f1c24",
        slug: "brass-lamp",
        image: "https://images.example/brass-lamp.jpg",
      },
    ],
  });
