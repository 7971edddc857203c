/** Suggestions while somebody types: a bounded number of look-ups, whatever the size of the catalogue. */
import type { z } from "zod";
import type { suggestion } from "../products.schemas.ts";
import { normalizeText } from "../text/normalize-text.ts";
import type { ProductRow } from "../views.ts";
import type { ListTools } from "./list-products.ts";

export type SuggestionView = z.input<typeof suggestion>;

/** Of each kind, beside products. */
const MAX_CATEGORIES = 3;
const MAX_SKUS = 3;

const NO_FILTERS = {
  category: undefined,
  inStock: undefined,
  price: undefined,
  options: {},
  published: true,
};

/** SKUs first where the text may be the beginning of one, then categories, then products by relevance. */
export async function suggestProducts(
  tools: ListTools,
  text: string,
  limit: number,
): Promise<SuggestionView[]> {
  if (text === "") return [];
  const engine = await tools.search();
  const [names, bySku, byName] = await Promise.all([
    tools.categories(),
    engine.productsBySku(text, MAX_SKUS),
    engine.search({
      ...NO_FILTERS,
      text,
      order: "relevance",
      descending: true,
      after: undefined,
      limit,
    }),
  ]);
  const rows = await tools.rows(merged(bySku, byName), true);
  const known = new Map(rows.map((it) => [it.id, it]));
  const skus = bySku.flatMap((id) => skusOf(known.get(id), text)).slice(0, MAX_SKUS);
  const found = [
    ...skus,
    ...names.beginningWith(text, MAX_CATEGORIES).map(({ _id, name, slug }) => ({
      kind: "category" as const,
      text: name,
      id: _id,
      slug,
      image: null,
    })),
    ...byName.ids.flatMap((id) => productOf(known.get(id))),
  ];
  const isNew = distinct((it: SuggestionView) => `${it.kind} ${it.text} ${it.id}`);
  return found.filter(isNew).slice(0, limit);
}

const merged = (skus: readonly string[], { ids, writes }: { ids: string[]; writes: number[] }) => ({
  ids: [...ids, ...skus.filter((it) => !ids.includes(it))],
  // What the index knows of the others is not said.
  writes: [...writes, ...skus.map(() => Number.POSITIVE_INFINITY)],
});

function skusOf(row: ProductRow | undefined, text: string): SuggestionView[] {
  if (!row) return [];
  const beginning = normalizeText(text);
  return row.variants
    .filter(({ sku }) => normalizeText(sku).startsWith(beginning))
    .map(({ sku }) => ({ kind: "sku", text: sku, ...about(row) }));
}

const productOf = (row: ProductRow | undefined): SuggestionView[] =>
  row ? [{ kind: "product", text: row.name, ...about(row) }] : [];

const about = ({ id, slug, images }: ProductRow) => ({ id, slug, image: images[0] ?? null });

function distinct<T>(keyOf: (it: T) => string): (it: T) => boolean {
  const seen = new Set<string>();
  return (it) => {
    const key = keyOf(it);
    return !seen.has(key) && Boolean(seen.add(key));
  };
}
