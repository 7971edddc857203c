/** A cart as its customer sees it: present names and prices, stock, and changes since a line was added. */
import type { z } from "zod";
import type { Returned } from "../../broker/contract/contract.ts";
import { type cartView, lineProductOf } from "./cart.contract.ts";
import type { Cart } from "./cart-store.ts";

export type CartView = z.output<typeof cartView>;
type Variant = Returned<"products.variants">[number];
type Available = Returned<"inventory.availability">[number];
type Notice = CartView["notices"][number];

export interface Catalogue {
  readonly variants: readonly Variant[];
  readonly available: readonly Available[];
}

/** Lines that can't be bought (removed, or in another currency) are only notices, and in no total. */
export function viewCart(
  id: string,
  { revision, lines }: Cart,
  { variants, available }: Catalogue,
  shopCurrency: string,
): CartView {
  const offers = new Map(variants.map((it) => [it.sku, it]));
  const stock = new Map(available.map((it) => [it.sku, it.available]));
  const currency = lines.map((it) => offers.get(it.sku)?.price.currency).find(Boolean) ?? shopCurrency;
  const shown: CartView["lines"] = [];
  const notices: Notice[] = [];
  for (const { sku, quantity, seen } of lines) {
    const offer = offers.get(sku);
    if (!offer || offer.price.currency !== currency) {
      const message = offer ? `Sold in ${offer.price.currency} only.` : "No longer on sale.";
      notices.push({ sku, code: "unavailable", message });
      continue;
    }
    const { name, price } = offer;
    shown.push({
      sku,
      ...lineProductOf(offer),
      name,
      quantity,
      unitPrice: price,
      total: { amount: price.amount * quantity, currency },
    });
    if (price.amount !== seen.amount || price.currency !== seen.currency)
      notices.push({ sku, code: "price_changed", message: "The price has changed since it was put in." });
    const left = stock.get(sku) ?? 0;
    if (left < quantity)
      notices.push({ sku, code: "low_stock", message: left === 0 ? "Out of stock." : `Only ${left} left.` });
  }
  return {
    id,
    revision,
    lines: shown,
    total: { amount: shown.reduce((sum, it) => sum + it.total.amount, 0), currency },
    notices,
  };
}
