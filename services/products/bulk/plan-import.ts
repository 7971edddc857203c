/** What records of a file would change. Pure: it is given what the database has, and keeps track of its own changes. */
import { isDeepStrictEqual } from "node:util";
import { derivedV7 } from "../../../broker/contract/ids.ts";
import { isThere, type Product, type Variant } from "../models/product.model.ts";
import type { ImportResult, ProductImport } from "../products.contract.ts";
import { RESERVED_SLUGS } from "../text/slug.ts";

export interface ImportItem {
  line: number;
  product: ProductImport;
}

/** What an item's product becomes. */
export interface PlannedProduct {
  _id: string;
  before: Product | undefined;
  after: Fields;
  keys: { key: string; created: boolean }[];
}

export type Fields = Pick<
  Product,
  "slug" | "name" | "description" | "categoryIds" | "images" | "variants" | "onSale" | "draft"
>;

export interface Known {
  products: readonly Product[];
  /** Ids of categories by slug and by id. */
  categories: ReadonlyMap<string, string>;
}

export interface Plan {
  results: ImportResult[];
  writes: PlannedProduct[];
}

/** Keys of this many records are remembered with a product. */
export const MAX_REMEMBERED = 8;

type Failure = { field: string; message: string };

export const keyOf = (job: string, line: number): string => `${job}:${line}`;

export function planImport(job: string, items: readonly ImportItem[], known: Known): Plan {
  const present = new Map<string, PlannedProduct>();
  const bySlug = new Map<string, string>();
  const bySku = new Map<string, string>();
  const put = (it: PlannedProduct) => {
    present.set(it._id, it);
    bySlug.set(it.after.slug, it._id);
    for (const { sku } of it.after.variants) bySku.set(sku, it._id);
  };
  for (const product of known.products)
    put({ _id: product._id, before: product, after: product, keys: product.imports ?? [] });
  const changed = new Set<string>();

  function plan({ line, product: given }: ImportItem): Omit<ImportResult, "line"> {
    const own = ownProduct(given);
    if ("field" in own) return failed(own);
    const { found } = own;
    if (found?.before && !isThere(found.before))
      return failed({ field: "slug", message: "is of a product that was taken off sale" });
    const key = keyOf(job, line);
    const repeated = found?.keys.find((it) => it.key === key);
    if (repeated) return { outcome: repeated.created ? "created" : "updated", errors: [] };
    const merged = mergedFields(given, found?.after, known.categories);
    if (Array.isArray(merged)) return failed(...merged);
    const id = found?._id ?? derivedV7(job, "product", line);
    const stolen = merged.variants.findIndex((it) => (bySku.get(it.sku) ?? id) !== id);
    if (stolen >= 0)
      return failed({ field: `variants.${stolen}.sku`, message: "is the SKU of another product" });
    if (found && isSame(found.after, merged)) return { outcome: "unchanged", errors: [] };
    for (const { sku } of found?.after.variants ?? []) bySku.delete(sku);
    put({
      _id: id,
      before: found?.before,
      after: merged,
      keys: [...(found?.keys ?? []), { key, created: !found }].slice(-MAX_REMEMBERED),
    });
    changed.add(id);
    return { outcome: found ? "updated" : "created", errors: [] };
  }

  /** The product that an item is about. None where it is a new one. */
  function ownProduct({
    slug,
    variants = [],
  }: ProductImport): { found: PlannedProduct | undefined } | Failure {
    if (slug !== undefined) {
      if (RESERVED_SLUGS.has(slug)) return { field: "slug", message: "is in use" };
      return { found: present.get(bySlug.get(slug) ?? "") };
    }
    const ids = new Set(variants.map((it) => bySku.get(it.sku)));
    const [id] = ids;
    if (ids.size !== 1 || id === undefined)
      return { field: "slug", message: "must be given, as no product has the SKU yet" };
    return { found: present.get(id) };
  }

  const results = items.map((item) => ({ line: item.line, ...plan(item) }));
  return { results, writes: [...changed].flatMap((id) => present.get(id) ?? []) };
}

const failed = (...errors: Failure[]): Omit<ImportResult, "line"> => ({ outcome: "failed", errors });

/** The fields with what is given, or what is missing. */
function mergedFields(
  given: ProductImport,
  before: Fields | undefined,
  categories: Known["categories"],
): Fields | Failure[] {
  const failures: Failure[] = [];
  const categoryIds = given.categories?.flatMap((it, at) => {
    const id = categories.get(it);
    if (id === undefined) failures.push({ field: `categories.${at}`, message: `there is no category ${it}` });
    return id ?? [];
  });
  const name = given.name ?? before?.name;
  const variants = mergedVariants(given, before?.variants);
  if (name === undefined) failures.push({ field: "name", message: "must be given for a new product" });
  if (variants === undefined)
    failures.push({ field: "sku", message: "must be given for a new product, with its price" });
  const published = given.published ?? before?.onSale ?? true;
  const slug = given.slug ?? before?.slug;
  if (failures.length > 0 || name === undefined || variants === undefined || slug === undefined)
    return failures;
  return {
    slug,
    name,
    description: given.description ?? before?.description ?? "",
    categoryIds: [...new Set(categoryIds ?? before?.categoryIds ?? [])],
    images: given.images ?? before?.images ?? [],
    variants,
    onSale: published,
    draft: !published,
  };
}

/** Without a slug, the given ones replace their equals, and the others stay. */
function mergedVariants(
  { slug, variants }: ProductImport,
  before?: readonly Variant[],
): Variant[] | undefined {
  if (variants === undefined || slug !== undefined) return variants ?? before?.slice();
  const given = new Map(variants.map((it) => [it.sku, it]));
  return before?.map((it) => given.get(it.sku) ?? it);
}

const FIELDS = ["slug", "name", "description", "categoryIds", "images", "onSale"] as const;

const isSame = (a: Fields, b: Fields): boolean =>
  FIELDS.every((it) => isDeepStrictEqual(a[it], b[it])) &&
  isDeepStrictEqual(a.variants.map(plain), b.variants.map(plain));

const plain = ({ sku, price, options }: Variant): Variant => ({
  sku,
  price: { amount: price.amount, currency: price.currency },
  options: { ...options },
});
