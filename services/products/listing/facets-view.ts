/** What clients see of the facets of a list: bounded, because a catalogue may have any number of options. */
import type { z } from "zod";
import { FACETS, type productFacets } from "../products.schemas.ts";
import type { Facets } from "../search/product-search.ts";
import type { CategoryNames } from "./category-names.ts";

export type FacetsView = z.input<typeof productFacets>;

export const noFacets = (): FacetsView => ({
  categories: [],
  prices: [],
  options: [],
  stock: { inStock: 0, outOfStock: 0 },
});

export function facetsView({ categories, prices, options, stock }: Facets, names: CategoryNames): FacetsView {
  const own = new Map([...categories].flatMap(([id, it]) => (it.own > 0 ? [[id, it.own] as const] : [])));
  return {
    categories: names.facets(own).slice(0, FACETS.categories),
    prices: prices.map(({ currency, min, max, count }) => ({
      min: { amount: min, currency },
      max: { amount: max, currency },
      count,
    })),
    options: options.slice(0, FACETS.options).map(({ name, values }) => ({
      name,
      values: values.slice(0, FACETS.values).map(({ value, count }) => ({ value, count })),
    })),
    stock,
  };
}
