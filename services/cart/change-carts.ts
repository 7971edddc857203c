/**
 * Reads and changes cart documents in groups. A change is computed from the document as last seen on this node, and
 * written only if the stored document is still that one. Otherwise the document is read and the change computed again.
 */
import { randomBytes } from "node:crypto";
import { LRUCache } from "lru-cache";
import { SoukError } from "../../broker/contract/errors.ts";
import type { Documents } from "../../broker/mongo/documents.ts";
import { ReadGroup } from "../../broker/mongo/read-group.ts";
import { WriteGroup } from "../../broker/mongo/write-group.ts";
import type { Clock } from "../../broker/resilience/clock.ts";
import { pauseAfterRace } from "../../broker/resilience/pause-after-race.ts";
import {
  type CartChange,
  type CartDocument,
  changed,
  emptied,
  hasSameLines,
  newCart,
} from "./cart-document.ts";

const MAX_TRIES = 20;
/** How many documents a node remembers. */
const RECENT = 5_000;

/** The part of a collection that is used here. */
export interface CartCollection extends Documents<CartDocument> {
  deleteOne(filter: Pick<CartDocument, "_id" | "born"> & { rev?: number }): Promise<unknown>;
}

/** What is to be written, or the answer where nothing is. */
export type Decision<R> = CartChange | { answer: R };

export interface Circumstances {
  /** The cart has expired: its lines are gone, and it will be removed. */
  readonly isExpired: boolean;
  /** An earlier write of this change may have been done, followed by another node's. */
  readonly again: boolean;
}

/** Decides about the cart as stored; undefined where there is none. It may be called several times. */
export type Decide<R> = (cart: CartDocument | undefined, circumstances: Circumstances) => Decision<R>;

interface Change {
  decide: Decide<unknown>;
  done(answer: unknown): void;
  failed(error: unknown): void;
}

export interface CartDocumentsOptions {
  carts: CartCollection;
  clock: Clock;
  /** Milliseconds until an unchanged cart expires. */
  ttl: number;
  /** Whether nobody else writes carts. Then what is remembered is what is stored. */
  isSoleWriter?: boolean;
}

export class CartDocuments {
  readonly #carts: CartCollection;
  readonly #clock: Clock;
  readonly #ttl: number;
  readonly #isSoleWriter: boolean;
  readonly #reads: ReadGroup<CartDocument>;
  readonly #writes: WriteGroup<CartDocument>;
  /** Documents as last seen here. Where others write too, they are only guesses for conditional writes. */
  readonly #recent = new LRUCache<string, CartDocument>({ max: RECENT });
  /** By cart, the changes that wait while a write of that cart is under way. */
  readonly #waiting = new Map<string, Change[]>();
  /** Identifies this instance in the names of its writes. */
  readonly #instance = randomBytes(6).toString("base64url");
  #commits = 0;

  constructor({ carts, clock, ttl, isSoleWriter = false }: CartDocumentsOptions) {
    this.#carts = carts;
    this.#clock = clock;
    this.#ttl = ttl;
    this.#isSoleWriter = isSoleWriter;
    this.#reads = new ReadGroup(carts);
    this.#writes = new WriteGroup(carts);
  }

  /**
   * The document as stored, unless it has expired. Reads wait for the changes of their cart, so that what is remembered
   * is never older than what was written.
   */
  async read(id: string): Promise<CartDocument | undefined> {
    return this.change(id, (cart, { isExpired }) => ({ answer: isExpired ? undefined : cart }));
  }

  /**
   * Changes a cart. Changes that wait for the same cart are written together.
   * @returns the cart as written, or the answer of `decide`
   * @throws SoukError UNAVAILABLE when other nodes change the cart all the time; the driver's error when MongoDB is away
   */
  change<R>(id: string, decide: Decide<R>): Promise<CartDocument | R> {
    return new Promise((done, failed) => {
      const change: Change = { decide, done: done as Change["done"], failed };
      const waiting = this.#waiting.get(id);
      if (waiting) {
        waiting.push(change);
        return;
      }
      this.#waiting.set(id, [change]);
      void this.#work(id);
    });
  }

  /** Removes the cart, unless it is a later one of its owner. */
  async remove({ _id, born }: CartDocument): Promise<void> {
    await this.#carts.deleteOne({ _id, born });
    this.#recent.delete(_id);
  }

  forget(): void {
    this.#recent.clear();
  }

  /** Never throws: it settles every change. */
  async #work(id: string): Promise<void> {
    for (;;) {
      const changes = this.#waiting.get(id);
      if (!changes || changes.length === 0) break;
      this.#waiting.set(id, []);
      try {
        await this.#apply(id, changes);
      } catch (error) {
        // It may have been written.
        this.#recent.delete(id);
        for (const it of changes) it.failed(error);
      }
    }
    this.#waiting.delete(id);
  }

  async #apply(id: string, changes: readonly Change[]): Promise<void> {
    let again = false;
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      await pauseAfterRace(tries);
      const guess = tries === 0 ? this.#recent.get(id) : undefined;
      const stored = guess ?? (await this.#load(id));
      const isExpired = stored !== undefined && this.#isExpired(stored);
      if (isExpired && stored.into) {
        // Nobody finishes its merge any more.
        await this.#carts.deleteOne({ _id: id, born: stored.born, rev: stored.rev });
        this.#recent.delete(id);
        continue;
      }
      const { next, answers } = decideAll(id, stored, changes, { isExpired, again });
      if (!next) {
        // A guess may be old. Only a fresh read, or a write, proves that it is not.
        if (guess && !this.#isSoleWriter) continue;
        settle(changes, answers);
        return;
      }
      const isQuiet = stored !== undefined && !isExpired && hasSameLines(stored, next);
      const written = this.#toWrite(next, isQuiet);
      const outcome = await this.#write(stored, written);
      if (outcome === "done") {
        this.#recent.set(id, written);
        settle(changes, answers, written);
        return;
      }
      this.#recent.delete(id);
      again ||= outcome === "unknown";
    }
    throw busyCart();
  }

  #toWrite(next: CartDocument, isQuiet: boolean): CartDocument {
    return {
      ...next,
      rev: next.rev + 1,
      quiet: (next.quiet ?? 0) + (isQuiet ? 1 : 0),
      expiresAt: new Date(this.#clock.now() + this.#ttl),
      commit: `${this.#instance}:${(this.#commits++).toString(36)}`,
    };
  }

  /** Writes `next` if the stored document is `previous`. "unknown": it may have been, but other writes followed. */
  async #write(previous: CartDocument | undefined, next: CartDocument): Promise<"done" | "lost" | "unknown"> {
    if (!previous) return (await this.#writes.insertNew(next)) ? "done" : "lost";
    const { _id, born, rev } = previous;
    const { lines, count, quiet, orders, merged, into, expiresAt, commit } = next;
    const fields = { lines, count, quiet, orders, merged, into, expiresAt, commit };
    if (await this.#writes.update({ _id, born, rev }, { $set: fields, $inc: { rev: 1 } })) return "done";
    // By the totals, some write of its group matched no document. The name of the last write shows which.
    const now = await this.#reads.get(_id);
    if (now?.commit === commit) return "done";
    return now?.born === born && now.rev <= rev + 1 ? "lost" : "unknown";
  }

  async #load(id: string): Promise<CartDocument | undefined> {
    const cart = await this.#reads.get(id);
    if (cart) this.#recent.set(id, cart);
    return cart;
  }

  /** MongoDB removes expired documents once a minute. Until then they count as removed. */
  #isExpired({ expiresAt }: CartDocument): boolean {
    return expiresAt.getTime() <= this.#clock.now();
  }
}

interface Decided {
  /** Undefined where no change is to be written. */
  next: CartDocument | undefined;
  /** By change; undefined for one that is to be written. */
  answers: ({ answer: unknown } | undefined)[];
}

/** Each change is decided on the cart as the changes before it have left it. */
function decideAll(
  id: string,
  stored: CartDocument | undefined,
  changes: readonly Change[],
  { isExpired, again }: Circumstances,
): Decided {
  let present = stored && isExpired ? emptied(stored) : stored;
  let next: CartDocument | undefined;
  const answers = changes.map(({ decide }) => {
    const decision = decide(present, { isExpired: isExpired && !next, again });
    if ("answer" in decision) return decision;
    next = changed(present ?? newCart(id), decision);
    present = next;
    return undefined;
  });
  return { next, answers };
}

function settle(changes: readonly Change[], answers: Decided["answers"], written?: CartDocument): void {
  for (const [index, { done }] of changes.entries()) {
    const answered = answers[index];
    done(answered ? answered.answer : written);
  }
}

export const busyCart = () =>
  new SoukError("UNAVAILABLE", "The cart is being changed by many at once.", { retryAfter: 1 });
