/**
 * Lists of products. Each is read by an index in the requested order. So a page costs the same in a catalogue of a
 * hundred and of a hundred thousand.
 *
 * A filtered list is first read as a bounded set: the keys of its newest matches. If the set is complete, the page is
 * cut from it, and size and counts per category are exact. Otherwise the page is read along the index of its order.
 *
 * A range of prices in the order of prices needs no set. There are too many such ranges for sets to be shared.
 * Relevance always ranks the set: of more matches than it holds, the newest.
 */
import { type Model, trusted } from "mongoose";
import type { z } from "zod";
import { makeCursor, readCursor } from "../../../broker/mongo/page-cursor.ts";
import type { Category } from "../models/category.model.ts";
import { INDEX, type Product } from "../models/product.model.ts";
import type { products } from "../products.contract.ts";
import { queryTokens, relevance } from "../text/search-tokens.ts";
import { type ProductRow, ROW_FIELDS, rowOf } from "../views.ts";
import { EVERYTHING, listKey, priceKey } from "./listing.ts";

export type ListParams = z.output<typeof products.actions.list.params>;

/** How many matches are ranked and counted. */
export const SET_SIZE = 1_000;
const MAX_TIME_MS = 5_000;

export interface ProductPage {
  rows: ProductRow[];
  nextCursor: string | null;
  total?: number;
  facets?: { categories: { id: string; name: string; count: number }[] };
}

/** The keys of a match, enough to sort, cut and count. */
type Match = Pick<Product, "_id" | "name" | "byName" | "byPrice" | "byRating" | "categoryIds">;

export interface MatchSet {
  matches: readonly Match[];
  /** False when there are more than {@link SET_SIZE}. */
  complete: boolean;
}

export interface ListTools {
  products: Model<Product>;
  categories: Model<Category>;
  /** Caches sets for a short time. All pages and orders of a list share one. */
  cachedSet(key: string, load: () => Promise<MatchSet>): MatchSet | Promise<MatchSet>;
}

type Order = { field: "_id" | "byName" | "byPrice" | "byRating"; index: string; direction: 1 | -1 };
type Sort = NonNullable<ListParams["sort"]>;

const ORDERS: Record<Exclude<Sort, "relevance">, Order> = {
  newest: { field: "_id", index: INDEX.newest, direction: -1 },
  name: { field: "byName", index: INDEX.byName, direction: 1 },
  "-name": { field: "byName", index: INDEX.byName, direction: -1 },
  price: { field: "byPrice", index: INDEX.byPrice, direction: 1 },
  "-price": { field: "byPrice", index: INDEX.byPrice, direction: -1 },
  rating: { field: "byRating", index: INDEX.byRating, direction: -1 },
};

interface Query {
  list: string;
  tokens: readonly string[];
  minPrice: number | undefined;
  maxPrice: number | undefined;
  filtered: boolean;
}

/** @throws {SoukError} VALIDATION_FAILED for a cursor of another list */
export async function listProducts(tools: ListTools, params: ListParams): Promise<ProductPage> {
  const { limit, cursor, ...asked } = params;
  const tokens = asked.q === undefined ? [] : queryTokens(asked.q);
  const sort = asked.sort ?? (tokens.length > 0 ? "relevance" : "newest");
  const identity = JSON.stringify([
    asked.q,
    asked.category,
    asked.minPrice,
    asked.maxPrice,
    asked.inStock,
    sort,
  ]);
  const after = cursor === undefined ? undefined : readCursor(cursor, identity);
  const nothing: ProductPage = { rows: [], nextCursor: null, total: 0 };
  if (asked.q !== undefined && tokens.length === 0) return nothing;

  const list = asked.category === undefined ? EVERYTHING : await categoryId(tools.categories, asked.category);
  if (list === undefined) return nothing;
  const query: Query = {
    list: listKey(list, asked.inStock),
    tokens: await rarestFirst(tools.products, tokens),
    minPrice: asked.minPrice,
    maxPrice: asked.maxPrice,
    filtered: Object.entries(asked).some(([name, value]) => name !== "sort" && value !== undefined),
  };
  const page = { limit, after, cursorOf: (key: string) => makeCursor(key, identity) };

  const ranged = query.minPrice !== undefined || query.maxPrice !== undefined;
  const isRangeOfIndex = tokens.length === 0 && ranged && (sort === "price" || sort === "-price");
  if (!query.filtered || isRangeOfIndex)
    return walk(tools, query, ORDERS[sort === "relevance" ? "newest" : sort], page);
  const set = await tools.cachedSet(JSON.stringify(query), () => readSet(tools.products, query));
  const known = set.complete ? { total: set.matches.length } : {};
  const cut = set.complete || sort === "relevance";
  const result = cut
    ? await cutFrom(tools.products, set, keyOf(sort, tokens), directionOf(sort), page)
    : await walk(tools, query, ORDERS[sort], page);
  const facets = set.complete && after === undefined ? { facets: await facetsOf(tools.categories, set) } : {};
  return { ...result, ...known, ...facets };
}

interface Page {
  limit: number;
  after: string | undefined;
  cursorOf(key: string): string;
}

async function categoryId(categories: Model<Category>, idOrSlug: string): Promise<string | undefined> {
  const found =
    (await categories.findById(idOrSlug, { _id: 1 }).lean<Pick<Category, "_id">>()) ??
    (await categories.findOne({ slug: idOrSlug }, { _id: 1 }).lean<Pick<Category, "_id">>());
  return found?._id;
}

/**
 * MongoDB looks up one of several words and tests the others. So a search costs as much as its first word is
 * frequent. Only a search whose words all occur more than {@link SET_SIZE} times can cost more than that.
 */
async function rarestFirst(model: Model<Product>, tokens: readonly string[]): Promise<readonly string[]> {
  if (tokens.length < 2) return tokens;
  const counted = await Promise.all(
    tokens.map(async (token) => ({
      token,
      count: await model
        .countDocuments({ searchTokens: token }, { limit: SET_SIZE, hint: INDEX.search })
        .maxTimeMS(MAX_TIME_MS),
    })),
  );
  return counted.sort((a, b) => a.count - b.count).map((it) => it.token);
}

interface Along {
  index: string;
  /** Beyond which sort key. */
  field?: Order["field"];
  beyond?: { $gt: string } | { $lt: string } | undefined;
}

/**
 * The filter for reading along an index. Its first field appears in it once. With two conditions on an array, MongoDB
 * uses one for the bounds and no longer trusts the index's order.
 */
function filterOf(query: Query, { index, field, beyond }: Along): Record<string, unknown> {
  const [first, ...others] = query.tokens;
  const byToken = index === INDEX.search;
  // A product that is listed nowhere has no tokens either, so a search over everything needs no list.
  const listed = byToken && query.list === EVERYTHING ? {} : { listedIn: query.list };
  const rest = (byToken ? others : query.tokens).map((searchTokens) => ({ searchTokens }));
  const ranges: Record<string, Record<string, string>> = {};
  if (query.minPrice !== undefined) ranges.byPrice = { $gte: priceKey(query.minPrice) };
  if (query.maxPrice !== undefined) ranges.byPrice = { ...ranges.byPrice, $lt: priceKey(query.maxPrice + 1) };
  // The cursor lies within the range of prices. Where both bound one end, it is the narrower bound.
  if (field && beyond) ranges[field] = { ...ranges[field], ...beyond };
  return {
    ...(byToken ? { searchTokens: first } : {}),
    ...listed,
    ...(rest.length > 0 ? { $and: rest } : {}),
    ...Object.fromEntries(Object.entries(ranges).map(([name, range]) => [name, trusted(range)])),
  };
}

async function readSet(model: Model<Product>, query: Query): Promise<MatchSet> {
  const ranged = query.minPrice !== undefined || query.maxPrice !== undefined;
  const index = query.tokens.length > 0 ? INDEX.search : ranged ? INDEX.byPrice : INDEX.newest;
  const fields = { name: 1, byName: 1, byPrice: 1, byRating: 1, categoryIds: 1 };
  const find = model.find(filterOf(query, { index }), fields);
  if (index !== INDEX.byPrice) find.sort({ _id: -1 });
  const matches = await find
    .limit(SET_SIZE + 1)
    .batchSize(SET_SIZE + 1)
    .hint(index)
    .maxTimeMS(MAX_TIME_MS)
    .lean<Match[]>();
  return { matches: matches.slice(0, SET_SIZE), complete: matches.length <= SET_SIZE };
}

const directionOf = (sort: Sort): 1 | -1 => (sort === "relevance" ? -1 : ORDERS[sort].direction);

function keyOf(sort: Sort, tokens: readonly string[]): (match: Match) => string {
  if (sort !== "relevance") return (match) => match[ORDERS[sort].field];
  return (match) => `${String(relevance(match.name, tokens)).padStart(3, "0")} ${match._id}`;
}

async function cutFrom(
  model: Model<Product>,
  set: MatchSet,
  keyOf: (match: Match) => string,
  direction: 1 | -1,
  { limit, after, cursorOf }: Page,
): Promise<ProductPage> {
  const keyed = set.matches.map((match) => ({
    id: match._id,
    key: keyOf(match),
    bytes: Buffer.from(keyOf(match)),
  }));
  // By bytes, as MongoDB sorts.
  keyed.sort((a, b) => direction * Buffer.compare(a.bytes, b.bytes));
  const start = after === undefined ? undefined : Buffer.from(after);
  const rest = start ? keyed.filter((it) => direction * Buffer.compare(it.bytes, start) > 0) : keyed;
  const chosen = rest.slice(0, limit);
  const last = chosen.at(-1);
  const found = await model
    .find({ _id: trusted({ $in: chosen.map((it) => it.id) }), onSale: true }, ROW_FIELDS)
    .lean<Product[]>();
  const rows = new Map(found.map((it) => [it._id, rowOf(it)]));
  return {
    // A product that was taken off sale after the set was read is left out.
    rows: chosen.flatMap((it) => rows.get(it.id) ?? []),
    nextCursor: last && rest.length > limit ? cursorOf(last.key) : null,
  };
}

async function walk(
  { products }: ListTools,
  query: Query,
  { field, index: ordersIndex, direction }: Order,
  { limit, after, cursorOf }: Page,
): Promise<ProductPage> {
  const index = field === "_id" && query.tokens.length > 0 ? INDEX.search : ordersIndex;
  const beyond = after === undefined ? undefined : direction === 1 ? { $gt: after } : { $lt: after };
  const found = await products
    .find(filterOf(query, { index, field, beyond }), { ...ROW_FIELDS, [field]: 1 })
    .sort({ [field]: direction })
    .limit(limit + 1)
    .hint(index)
    .maxTimeMS(MAX_TIME_MS)
    .lean<Product[]>();
  const shown = found.slice(0, limit);
  const last = shown.at(-1);
  return { rows: shown.map(rowOf), nextCursor: last && found.length > limit ? cursorOf(last[field]) : null };
}

async function facetsOf(
  model: Model<Category>,
  { matches }: MatchSet,
): Promise<NonNullable<ProductPage["facets"]>> {
  const counts = new Map<string, number>();
  for (const { categoryIds } of matches)
    for (const id of categoryIds) counts.set(id, (counts.get(id) ?? 0) + 1);
  if (counts.size === 0) return { categories: [] };
  const named = await model
    .find({ _id: trusted({ $in: [...counts.keys()] }) }, { name: 1 })
    .lean<Pick<Category, "_id" | "name">[]>();
  const categories = named.map(({ _id, name }) => ({ id: _id, name, count: counts.get(_id) ?? 0 }));
  return { categories: categories.sort((a, b) => b.count - a.count || a.name.localeCompare(b.name)) };
}
