/** Variables of the catalogue. */
import { z } from "zod";
import { isCurrency } from "../../broker/contract/values/currency.ts";
import { type ConfigOf, defineConfig, whole } from "../../broker/contract/variables.ts";
import { SEARCH_LANGUAGES } from "./text/stemmer.ts";

export const productsConfig = defineConfig({
  CURRENCY: z
    .string()
    .refine(isCurrency, "must be a currency of ISO 4217, such as USD")
    .default("USD")
    .describe("The shop's currency, for empty carts and the demo catalogue"),
  SEARCH_LANGUAGE: z
    .enum(SEARCH_LANGUAGES)
    .default("en")
    .describe(
      "Language of the catalogue, for searches: other forms of a word are found too; none for neither",
    ),
  SEED_ON_START: z
    .stringbool()
    .optional()
    .describe(
      "Seed the demo catalogue when npm start finds an empty shop; false in production, true elsewhere unless set",
    ),
  SEED_COUNT: whole(0, 1_000_000).default(1_000).describe("Products of the demo catalogue"),
});

declare module "../../broker/moleculer/config.ts" {
  interface Config extends ConfigOf<typeof productsConfig> {}
}
