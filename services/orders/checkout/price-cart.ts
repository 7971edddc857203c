/** The price of an order: quantities from the cart, names and prices from the catalogue, never from the client. */

import type { Returned } from "../../../broker/contract/contract.ts";
import { SoukError } from "../../../broker/contract/errors.ts";
import { type Money, minorUnits } from "../../../broker/contract/schemas.ts";
import { lineProductOf } from "../../cart/cart.contract.ts";
import type { OrderLine } from "../orders.schemas.ts";

export interface PricedCart {
  lines: OrderLine[];
  total: Money;
}

/**
 * @throws SoukError CART_EMPTY, SKU_UNKNOWN (with the SKUs), CURRENCY_MIXED; VALIDATION_FAILED for a sum above the
 * largest amount
 */
export function priceCart(
  wanted: readonly { sku: string; quantity: number }[],
  catalogue: Returned<"products.variants">,
): PricedCart {
  const currency = catalogue[0]?.price.currency;
  const variants = new Map(catalogue.map((it) => [it.sku, it]));
  const unknown = wanted.filter((it) => !variants.has(it.sku)).map((it) => it.sku);
  if (wanted.length === 0) throw new SoukError("CART_EMPTY");
  if (unknown.length > 0 || currency === undefined)
    throw new SoukError("SKU_UNKNOWN", `Not on sale (any more): ${unknown.join(", ")}.`);
  if (catalogue.some((it) => it.price.currency !== currency)) throw new SoukError("CURRENCY_MIXED");

  const lines = wanted.flatMap(({ sku, quantity }) => {
    const variant = variants.get(sku);
    if (!variant) return [];
    const { name, price } = variant;
    const total = { amount: price.amount * quantity, currency };
    return [{ sku, name, ...lineProductOf(variant), quantity, unitPrice: price, total }];
  });
  const amount = lines.reduce((sum, it) => sum + it.total.amount, 0);
  if (!minorUnits.safeParse(amount).success)
    throw new SoukError("VALIDATION_FAILED", "The cart costs more than one order may.", {
      errors: [{ field: "cart", message: "costs more than one order may" }],
    });
  return { lines, total: { amount, currency } };
}
