/**
 * Orders, newest first unless told. Their ids begin with the time. Every filter has an index, so a page costs about as
 * many reads as it has orders.
 */
import { type Model, type QueryFilter, trusted } from "mongoose";
import type { z } from "zod";
import type { ActorDocument } from "../../broker/actor/runtime/document/actor-host.types.ts";
import { SoukError } from "../../broker/contract/errors.ts";
import { KEY_TTL_MS } from "../../broker/mongo/idempotency.ts";
import { mergedById, pageOf, readCursor, UUID } from "../../broker/mongo/page-cursor.ts";
import { askedWords } from "./order/search-words.ts";
import type { OrderState } from "./order/state.ts";
import { orderView } from "./order/view.ts";
import type { OrderView, orders } from "./orders.contract.ts";

type Orders = Model<ActorDocument<OrderState>>;
type Filter = QueryFilter<ActorDocument<OrderState>>;
type Sort = "newest" | "oldest";
type ListParams = z.output<typeof orders.actions.list.params>;

/** More orders than this are not counted. */
export const MAX_COUNTED = 10_000;
/** Filters of staff. To customers they are unknown. */
const STAFF_ONLY = ["q", "number", "email", "customerId"] as const;
const MINUTE_MS = 60_000;

/** @throws {SoukError} VALIDATION_FAILED for a filter of staff without `all` */
export function refuseStaffFilters(params: ListParams): void {
  const given = STAFF_ONLY.filter((it) => params[it] !== undefined);
  if (given.length === 0) return;
  const errors = given.map((field) => ({ field, message: "needs all=true, and is for staff" }));
  throw new SoukError("VALIDATION_FAILED", `${errors[0]?.field}: ${errors[0]?.message}`, { errors });
}

/** @param customerId whose orders; undefined for staff, who see all and are told how many there are */
export async function listOrders(
  documents: Orders,
  params: ListParams,
  customerId?: string,
): Promise<{ items: OrderView[]; nextCursor: string | null; total?: number }> {
  const { status = [], sort = "newest", limit, cursor } = params;
  const wanted = filterOf(params, customerId);
  if (!wanted) return { items: [], nextCursor: null, total: 0 };
  const list = sort === "newest" ? "orders" : `orders ${sort}`;
  const after = cursor === undefined ? undefined : readCursor(cursor, list, UUID);
  const ids = idRange(params);
  // One query for each status, because each is one range of the index, in order.
  const filters = status.length === 0 ? [wanted] : status.map((it) => ({ ...wanted, "state.status": it }));
  const [pages, total] = await Promise.all([
    Promise.all(filters.map((it) => readPage(documents, it, { sort, limit, ids: from(ids, after, sort) }))),
    customerId === undefined
      ? countUpTo(
          documents,
          filters.map((it) => within(it, ids)),
        )
      : undefined,
  ]);
  const { shown, nextCursor } = pageOf(mergedById(pages, sort), limit, list, (it) => it._id);
  return {
    items: shown.map(({ _id, version, state }) => orderView({ id: _id, version, state })),
    nextCursor,
    ...(total === undefined ? {} : { total }),
  };
}

/** Null where nothing can match. */
function filterOf(params: ListParams, own: string | undefined): Filter | null {
  const { q, number, email, from, to } = params;
  const customerId = own ?? params.customerId;
  const asked = [q, number, email].filter((it) => it !== undefined);
  const words = askedWords(asked.join(" "));
  if (asked.length > 0 && words.length === 0) return null;
  const createdAt = {
    ...(from === undefined ? {} : { $gte: new Date(from).toISOString() }),
    ...(to === undefined ? {} : { $lt: new Date(to).toISOString() }),
  };
  return {
    ...(words.length > 0 ? { "state.words": trusted({ $all: words }) } : {}),
    ...(customerId === undefined ? {} : { "state.customerId": customerId }),
    ...(isEmpty(createdAt) ? {} : { "state.createdAt": trusted(createdAt) }),
  };
}

/** Bounds of ids, all of which must hold. */
interface IdRange {
  $gte?: string;
  $gt?: string;
  $lt?: string;
}

/**
 * An id is as old as the first request for its order, which a crash may have delayed for as long as its key is kept. So
 * ids only narrow the search by time.
 */
const idRange = ({ from, to }: ListParams): IdRange => ({
  ...(from === undefined ? {} : { $gte: idAt(Date.parse(from) - KEY_TTL_MS) }),
  ...(to === undefined ? {} : { $lt: idAt(Date.parse(to) + MINUTE_MS) }),
});

/** The range from the last order of the page before. */
function from(range: IdRange, after: string | undefined, sort: Sort): IdRange {
  if (after === undefined) return range;
  if (sort === "oldest") return { ...range, $gt: after };
  return { ...range, $lt: range.$lt !== undefined && range.$lt < after ? range.$lt : after };
}

const within = (filter: Filter, range: IdRange): Filter =>
  isEmpty(range) ? filter : { ...filter, _id: trusted(range) };

const isEmpty = (it: object): boolean => Object.keys(it).length === 0;

/** The smallest UUIDv7 of a time. */
function idAt(ms: number): string {
  const hex = Math.max(0, ms).toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-7000-8000-000000000000`;
}

const readPage = (documents: Orders, filter: Filter, page: { sort: Sort; limit: number; ids: IdRange }) =>
  documents
    .find(within(filter, page.ids), { version: 1, state: 1 })
    .sort({ _id: page.sort === "newest" ? -1 : 1 })
    .limit(page.limit + 1)
    .lean();

/** How many there are; undefined where they are too many to count. */
async function countUpTo(documents: Orders, filters: readonly Filter[]): Promise<number | undefined> {
  const counts = await Promise.all(filters.map((it) => documents.countDocuments(it).limit(MAX_COUNTED + 1)));
  const total = counts.reduce((sum, it) => sum + it, 0);
  return total > MAX_COUNTED ? undefined : total;
}
