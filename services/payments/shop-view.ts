/** What everybody may know of the shop. */
import { z } from "zod";
import { currency } from "../../broker/contract/schemas.ts";
import type { Config } from "../../broker/moleculer/config.ts";

export const shopView = z
  .strictObject({
    name: z.string(),
    currency: currency.meta({ description: "ISO 4217 code of empty carts" }),
    tax: z
      .strictObject({
        name: z.string(),
        rate: z.int().meta({ description: "In basis points of the net price: 1600 is 16 %" }),
        included: z.literal(true).meta({ description: "All prices include it" }),
      })
      .meta({ id: "ShopTax", description: "The tax in all prices" }),
    locale: z.string().meta({ description: "BCP 47 tag of the language that names and texts are in" }),
  })
  .meta({
    id: "Shop",
    description: "The shop",
    examples: [
      {
        name: "Souk",
        currency: "USD",
        tax: { name: "VAT", rate: 1600, included: true },
        locale: "en",
      },
    ],
  });

export const shopOf = ({
  SHOP_NAME,
  SELLER_NAME,
  CURRENCY,
  TAX_NAME,
  TAX_RATE,
  SHOP_LOCALE,
}: Config): z.output<typeof shopView> => ({
  name: SHOP_NAME ?? SELLER_NAME,
  currency: CURRENCY,
  tax: { name: TAX_NAME, rate: TAX_RATE, included: true },
  locale: SHOP_LOCALE,
});
