/** Carts in MongoDB: one document each, gone by a TTL index. A change of one line is one conditional write. */
import { LRUCache } from "lru-cache";
import type { Collection, Filter } from "mongodb";
import type { Connection } from "mongoose";
import { withUnknown } from "../../broker/actor/runtime/document/unknown-fields.ts";
import { SoukError } from "../../broker/contract/errors.ts";
import { newId } from "../../broker/contract/ids.ts";
import { isDuplicateKey } from "../../broker/mongo/duplicate-key.ts";
import type { Clock } from "../../broker/resilience/clock.ts";
import {
  type Cart,
  type CartLine,
  type CartLines,
  type CartOwner,
  type CartStore,
  inOrder,
  isSameLines,
  MAX_LINES,
  mergeLines,
  NO_CART,
  REMEMBERED,
  revisionOf,
  withoutBought,
} from "./cart-store.ts";

interface CartDocument {
  _id: string;
  /** Tells this cart from a later one of the same guest. */
  born: string;
  /** Counts changes; what is computed from a read is written only if it still fits. */
  rev: number;
  /** How many of them have left the lines as they were. */
  quiet?: number;
  count: number;
  lines: Record<string, StoredLine>;
  /** Orders whose purchases were taken out, and guests' carts that came in; the last few. */
  orders?: string[];
  merged?: string[];
  /** User whose cart takes this guest's over; from then on nothing else changes it. */
  into?: string;
  expiresAt: Date;
}

interface StoredLine {
  quantity: number;
  amount: number;
  currency: string;
  addedAt: number;
}

type Change = Pick<CartDocument, "lines" | "count"> & Partial<Pick<CartDocument, "orders" | "merged">>;

export const CARTS = "carts";
const MAX_TRIES = 10;
/** Documents as last seen here: a good first guess for a conditional write, never trusted for reads. */
const RECENT = 5_000;

export interface MongoCartOptions {
  database: Connection;
  clock: Clock;
  /** Milliseconds until an unchanged cart goes. */
  ttl: number;
}

export function mongoCartStore({ database, clock, ttl }: MongoCartOptions): CartStore {
  const carts: Collection<CartDocument> = database.getClient().db(database.name).collection(CARTS);
  const recent = new LRUCache<string, CartDocument>({ max: RECENT });
  const expiry = () => new Date(clock.now() + ttl);
  /** MongoDB removes expired documents once a minute; until then they count as gone. */
  const alive = (_id: string): Filter<CartDocument> => ({
    _id,
    expiresAt: { $gt: new Date(clock.now()) },
    into: { $exists: false },
  });
  const seen = (cart: CartDocument): Cart => {
    recent.set(cart._id, cart);
    return { revision: revisionOf({ quiet: 0, ...cart }), lines: linesOf(cart) };
  };

  async function addLine(_id: string, { sku, ...line }: CartLine): Promise<CartDocument | null> {
    const { quantity, seen, addedAt } = line;
    try {
      return await carts.findOneAndUpdate(
        { ...alive(_id), [`lines.${sku}`]: { $exists: false }, count: { $lt: MAX_LINES } },
        {
          $set: { [`lines.${sku}`]: { quantity, ...seen, addedAt }, expiresAt: expiry() },
          $inc: { count: 1, rev: 1 },
          $setOnInsert: { born: newId() },
        },
        { upsert: true, returnDocument: "after" },
      );
    } catch (error) {
      // There is such a cart, and the line, the limit or its end is in the way.
      if (isDuplicateKey(error)) return null;
      throw error;
    }
  }

  /** Where the line is as wanted already, its cart is only kept alive. */
  async function changeLine(_id: string, { sku, quantity, seen }: CartLine): Promise<CartDocument | null> {
    const wanted = {
      [`lines.${sku}.quantity`]: quantity,
      [`lines.${sku}.amount`]: seen.amount,
      [`lines.${sku}.currency`]: seen.currency,
    };
    const differs = Object.entries(wanted).map(([field, value]) => ({ [field]: { $ne: value } }));
    const present = { ...alive(_id), [`lines.${sku}`]: { $exists: true } };
    const after = { returnDocument: "after" } as const;
    return (
      (await carts.findOneAndUpdate(
        { ...present, $or: differs },
        { $set: { ...wanted, expiresAt: expiry() }, $inc: { rev: 1 } },
        after,
      )) ?? carts.findOneAndUpdate({ ...present, ...wanted }, { $set: { expiresAt: expiry() } }, after)
    );
  }

  /** Whether the cart is full; else clears away what was in the way of a write. */
  async function isFull(_id: string, sku: string): Promise<boolean> {
    const cart = await carts.findOne({ _id });
    if (!cart) return false;
    if (isOver(cart)) await carts.deleteOne({ _id, rev: cart.rev });
    else if (cart.into) await finishMerge(cart, cart.into);
    else return cart.count >= MAX_LINES && !Object.hasOwn(cart.lines, sku);
    return false;
  }

  const isOver = (cart: CartDocument): boolean => cart.expiresAt.getTime() <= clock.now();

  /** Applies `decide` to a cart exactly as it was read; `null` means there is nothing to do. */
  async function change(_id: string, decide: (cart: CartDocument) => Change | null): Promise<void> {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const guess = tries === 0 ? recent.get(_id) : undefined;
      const found = guess ?? (await carts.findOne({ _id }));
      const cart = found ?? newCart(_id);
      const next = decide(isOver(cart) ? { ...cart, lines: {}, count: 0 } : cart);
      // What was guessed may be old: only a fresh read proves that there is nothing to do.
      if (!next && guess) continue;
      if (!next) return;
      const quiet = (cart.quiet ?? 0) + (isSameLines(linesOf(cart), linesOf({ ...cart, ...next })) ? 1 : 0);
      // What a newer version keeps in a line stays there.
      const lines = withUnknown(cart.lines, stored(linesOf(cart)).lines, next.lines) as CartDocument["lines"];
      const written = { ...next, lines, quiet, expiresAt: expiry() };
      if (found ? await replaced(cart, written) : await inserted({ ...cart, ...written })) {
        recent.set(_id, { ...cart, ...written, rev: cart.rev + 1 });
        return;
      }
    }
    throw busy();
  }

  async function replaced({ _id, rev }: CartDocument, written: Partial<CartDocument>): Promise<boolean> {
    const { matchedCount } = await carts.updateOne({ _id, rev }, { $set: written, $inc: { rev: 1 } });
    return matchedCount === 1;
  }

  async function inserted(cart: CartDocument): Promise<boolean> {
    try {
      await carts.insertOne({ ...cart, rev: cart.rev + 1 });
      return true;
    } catch (error) {
      if (isDuplicateKey(error)) return false;
      throw error;
    }
  }

  const newCart = (_id: string): CartDocument => ({
    _id,
    born: newId(),
    rev: 0,
    count: 0,
    lines: {},
    expiresAt: expiry(),
  });

  async function finishMerge(guest: CartDocument, userId: string): Promise<void> {
    await change(keyOf({ user: userId }), (cart) =>
      cart.merged?.includes(guest.born)
        ? null
        : {
            ...stored(mergeLines(linesOf(cart), linesOf(guest))),
            merged: [...(cart.merged ?? []), guest.born].slice(-REMEMBERED),
          },
    );
    await carts.deleteOne({ _id: guest._id, born: guest.born });
  }

  return {
    async read(owner) {
      const cart = await carts.findOne({ _id: keyOf(owner) });
      return !cart || cart.into || isOver(cart) ? NO_CART : seen(cart);
    },

    async setLine(owner, line) {
      const _id = keyOf(owner);
      for (let tries = 0; tries < MAX_TRIES; tries++) {
        const cart = (await addLine(_id, line)) ?? (await changeLine(_id, line));
        if (cart) return seen(cart);
        if (await isFull(_id, line.sku)) return "full";
      }
      throw busy();
    },

    async removeLine(owner, sku) {
      const _id = keyOf(owner);
      const cart = await carts.findOneAndUpdate(
        { ...alive(_id), [`lines.${sku}`]: { $exists: true } },
        { $unset: { [`lines.${sku}`]: "" }, $inc: { count: -1, rev: 1 }, $set: { expiresAt: expiry() } },
        { returnDocument: "after" },
      );
      return cart && seen(cart);
    },

    async clear(owner) {
      const _id = keyOf(owner);
      const { matchedCount } = await carts.updateOne(
        { ...alive(_id), count: { $gt: 0 } },
        { $set: { lines: {}, count: 0, expiresAt: expiry() }, $inc: { rev: 1 } },
      );
      if (matchedCount === 0) await carts.updateOne(alive(_id), { $set: { expiresAt: expiry() } });
    },

    dropBought: (userId, orderId, bought) =>
      change(keyOf({ user: userId }), (cart) =>
        cart.orders?.includes(orderId)
          ? null
          : {
              ...stored(withoutBought(linesOf(cart), bought)),
              orders: [...(cart.orders ?? []), orderId].slice(-REMEMBERED),
            },
      ),

    async merge(guestId, userId) {
      const claimed = await carts.findOneAndUpdate(
        {
          _id: keyOf({ guest: guestId }),
          expiresAt: { $gt: new Date(clock.now()) },
          // null: not claimed yet
          into: { $in: [null, userId] as string[] },
        },
        { $set: { into: userId }, $inc: { rev: 1 } },
        { returnDocument: "after" },
      );
      if (claimed) await finishMerge(claimed, userId);
    },

    close: async () => recent.clear(),
  };
}

const keyOf = (owner: CartOwner): string => ("user" in owner ? `u:${owner.user}` : `g:${owner.guest}`);

const linesOf = ({ lines }: CartDocument): CartLine[] =>
  inOrder(
    Object.entries(lines ?? {}).map(([sku, { quantity, amount, currency, addedAt }]) => ({
      sku,
      quantity,
      seen: { amount, currency },
      addedAt,
    })),
  );

const stored = (lines: CartLines) => ({
  count: lines.length,
  lines: Object.fromEntries(
    lines.map(({ sku, quantity, seen, addedAt }) => [sku, { quantity, ...seen, addedAt }]),
  ),
});

const busy = () =>
  new SoukError("UNAVAILABLE", "The cart is being changed by many at once.", { retryAfter: 1 });
