/** Carts in MongoDB: one document each, removed by a TTL index. A change of one line is one conditional write. */
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
  /** Distinguishes this cart from a later one of the same guest. */
  born: string;
  /** Counts changes. A result computed from a read is written only if nothing has changed since. */
  rev: number;
  /** How many of them left the lines unchanged. */
  quiet?: number;
  count: number;
  lines: Record<string, StoredLine>;
  /** The last orders whose purchases were removed, and the last guests' carts that were merged. */
  orders?: string[];
  merged?: string[];
  /** The user whose cart takes over this guest's cart. From then on nothing else changes it. */
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
/** Documents as last seen here: a guess for a conditional write, never used for reads. */
const RECENT = 5_000;

export interface MongoCartOptions {
  database: Connection;
  clock: Clock;
  /** Milliseconds until an unchanged cart expires. */
  ttl: number;
}

export function mongoCartStore({ database, clock, ttl }: MongoCartOptions): CartStore {
  const carts: Collection<CartDocument> = database.getClient().db(database.name).collection(CARTS);
  const recent = new LRUCache<string, CartDocument>({ max: RECENT });
  const expiry = () => new Date(clock.now() + ttl);
  /** MongoDB removes expired documents once a minute. Until then they count as removed. */
  const unexpired = (_id: string): Filter<CartDocument> => ({
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
        { ...unexpired(_id), [`lines.${sku}`]: { $exists: false }, count: { $lt: MAX_LINES } },
        {
          $set: { [`lines.${sku}`]: { quantity, ...seen, addedAt }, expiresAt: expiry() },
          $inc: { count: 1, rev: 1 },
          $setOnInsert: { born: newId() },
        },
        { upsert: true, returnDocument: "after" },
      );
    } catch (error) {
      // There is such a cart. The line, the limit or its expiry prevents the write.
      if (isDuplicateKey(error)) return null;
      throw error;
    }
  }

  /** If the line is already as wanted, only the cart's expiry moves. */
  async function changeLine(_id: string, { sku, quantity, seen }: CartLine): Promise<CartDocument | null> {
    const wanted = {
      [`lines.${sku}.quantity`]: quantity,
      [`lines.${sku}.amount`]: seen.amount,
      [`lines.${sku}.currency`]: seen.currency,
    };
    const differs = Object.entries(wanted).map(([field, value]) => ({ [field]: { $ne: value } }));
    const present = { ...unexpired(_id), [`lines.${sku}`]: { $exists: true } };
    const after = { returnDocument: "after" } as const;
    return (
      (await carts.findOneAndUpdate(
        { ...present, $or: differs },
        { $set: { ...wanted, expiresAt: expiry() }, $inc: { rev: 1 } },
        after,
      )) ?? carts.findOneAndUpdate({ ...present, ...wanted }, { $set: { expiresAt: expiry() } }, after)
    );
  }

  /** Whether the cart is full. Otherwise removes what prevented a write. */
  async function isFull(_id: string, sku: string): Promise<boolean> {
    const cart = await carts.findOne({ _id });
    if (!cart) return false;
    if (isExpired(cart)) await carts.deleteOne({ _id, rev: cart.rev });
    else if (cart.into) await finishMerge(cart, cart.into);
    else return cart.count >= MAX_LINES && !Object.hasOwn(cart.lines, sku);
    return false;
  }

  const isExpired = (cart: CartDocument): boolean => cart.expiresAt.getTime() <= clock.now();

  /** Applies `decide` to a cart exactly as it was read. `null` means that nothing must be done. */
  async function change(_id: string, decide: (cart: CartDocument) => Change | null): Promise<void> {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const guess = tries === 0 ? recent.get(_id) : undefined;
      const found = guess ?? (await carts.findOne({ _id }));
      const cart = found ?? newCart(_id);
      const next = decide(isExpired(cart) ? { ...cart, lines: {}, count: 0 } : cart);
      // The guess may be old. Only a fresh read proves that nothing must be done.
      if (!next && guess) continue;
      if (!next) return;
      const quiet = (cart.quiet ?? 0) + (isSameLines(linesOf(cart), linesOf({ ...cart, ...next })) ? 1 : 0);
      // Fields that a newer version keeps in a line stay there.
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
      return !cart || cart.into || isExpired(cart) ? NO_CART : seen(cart);
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
        { ...unexpired(_id), [`lines.${sku}`]: { $exists: true } },
        { $unset: { [`lines.${sku}`]: "" }, $inc: { count: -1, rev: 1 }, $set: { expiresAt: expiry() } },
        { returnDocument: "after" },
      );
      return cart && seen(cart);
    },

    async clear(owner) {
      const _id = keyOf(owner);
      const { matchedCount } = await carts.updateOne(
        { ...unexpired(_id), count: { $gt: 0 } },
        { $set: { lines: {}, count: 0, expiresAt: expiry() }, $inc: { rev: 1 } },
      );
      if (matchedCount === 0) await carts.updateOne(unexpired(_id), { $set: { expiresAt: expiry() } });
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
          // null: not claimed yet.
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
