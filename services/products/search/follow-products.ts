/**
 * Keeps a search index equal to the database. It is filled once. After that, each step reads the products that were
 * written since the step before. The database's clock stamps every write (`changed`), so clocks of nodes don't matter.
 */
import { type Model, trusted } from "mongoose";
import { redactedReason } from "../../../broker/contract/secrets/redact.ts";
import { serverTime } from "../../../broker/mongo/server-time.ts";
import type { Log } from "../../../broker/resilience/log.ts";
import { rateLimitedLog } from "../../../broker/resilience/rate-limited-log.ts";
import { CHANGED_INDEX, type Product } from "../models/product.model.ts";
import type { SearchEngine, SearchedProduct } from "./product-search.ts";

/**
 * A step reads this much again. It is longer than a write takes from its stamp until it can be read, and than the
 * clocks of a replica set differ.
 */
const OVERLAP_MS = 5_000;
/** How often it takes in what was written, so that after many writes nobody waits for all of them. */
const EVERY_MS = 5_000;
/** Products in one reply: others run on this node between two of them. */
const PAGE = 250;
const MAX_TIME_MS = 10_000;
const FIELDS = { writes: 1, categoryIds: 1, rating: 1, variants: 1, onSale: 1, listing: 1 } as const;

interface Followed<E> {
  readonly index: E;
  /** Everything that was stamped before can be read in the index. */
  until: Date;
}

export interface FollowedProducts<E = SearchEngine> {
  /** Resolves with the index as the database is now. */
  index(): Promise<E>;
  /** Fills the index in the background, and takes in what is written. Who asks before waits for it. */
  start(): void;
  stop(): Promise<void>;
}

/**
 * Steps run one after the other. After a failed step, the next one reads what that one should have read.
 * @param create makes an empty index
 */
export function followProducts<E extends SearchEngine>(
  products: Model<Product>,
  create: () => Promise<E>,
  log: Log,
  everyMs = EVERY_MS,
): FollowedProducts<E> {
  const stopping = new AbortController();
  const { signal } = stopping;
  let followed: Followed<E> | undefined;
  let renewed: Followed<E> | undefined;
  let renewing = false;
  let last: Promise<unknown> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  let waiting = 0;

  async function step(): Promise<E> {
    if (renewed) followed?.index.retire?.();
    const present = renewed ?? (followed?.index.isLost ? undefined : followed);
    renewed = undefined;
    followed = present ?? (await fill(products, create, signal));
    await readChanges(products, followed);
    if (followed.index.isWorn && !renewing) void renew();
    return followed.index;
  }

  /** Fills a new index for the next step. Until then the present one is used. */
  async function renew(): Promise<void> {
    renewing = true;
    try {
      renewed = await fill(products, create, signal);
    } catch (error) {
      failed(error);
    } finally {
      renewing = false;
    }
  }

  function failed(error: unknown): void {
    if (signal.aborted) return;
    rateLimitedLog(log).warn("search", "the search index was not filled yet", {
      reason: redactedReason(error),
    });
  }

  function index(): Promise<E> {
    waiting++;
    const next = last.then(step, step).finally(() => waiting--);
    last = next;
    return next;
  }

  /** A failure is told by the next one who asks. */
  function keepUp(): void {
    if (waiting === 0) index().catch(() => undefined);
  }

  return {
    index,
    start() {
      index().catch(failed);
      timer = setInterval(keepUp, everyMs).unref();
    },
    stop() {
      clearInterval(timer);
      stopping.abort();
      // A step that is under way ends first.
      return last.catch(() => undefined).then(() => followed?.index.stop?.());
    },
  };
}

async function fill<E extends SearchEngine>(
  products: Model<Product>,
  create: () => Promise<E>,
  signal: AbortSignal,
): Promise<Followed<E>> {
  const index = await create();
  const until = await overlapBefore(products);
  const read = (after: string) =>
    products
      .find({ _id: trusted({ $gt: after }) }, FIELDS)
      .sort({ _id: 1 })
      .limit(PAGE)
      .hint("_id_")
      .maxTimeMS(MAX_TIME_MS)
      .lean<SearchedProduct[]>()
      .exec();
  for (let page = await read(""); page.length > 0; ) {
    // The next page is on its way while this one is taken in.
    const next = read(page.at(-1)?._id ?? "");
    for (const product of page) await index.put(product);
    page = await next;
    signal.throwIfAborted();
  }
  return { index, until };
}

async function readChanges(products: Model<Product>, followed: Followed<SearchEngine>): Promise<void> {
  const until = await overlapBefore(products);
  const changed = products
    .find({ changed: trusted({ $gte: followed.until }) }, FIELDS)
    .hint(CHANGED_INDEX)
    .maxTimeMS(MAX_TIME_MS)
    .lean<SearchedProduct>()
    .cursor({ batchSize: PAGE });
  for await (const product of changed) await followed.index.put(product);
  followed.until = until;
}

const overlapBefore = async ({ db }: Model<Product>): Promise<Date> =>
  new Date((await serverTime(db)).getTime() - OVERLAP_MS);
