/** Carts in MongoDB: one document each, removed by a TTL index. */
import type { Connection } from "mongoose";
import type { Clock } from "../../broker/resilience/clock.ts";
import { type CartDocument, linesOf, toCart } from "./cart-document.ts";
import {
  type CartLine,
  type CartLines,
  type CartOwner,
  type CartStore,
  inOrder,
  MAX_LINES,
  mergeLines,
  NO_CART,
  REMEMBERED,
  withoutBought,
} from "./cart-store.ts";
import { busyCart, CartDocuments } from "./change-carts.ts";

export const CARTS = "carts";
/** How often a guest's cart may be merged before a line comes into the next one. */
const MAX_MERGES = 10;

export interface MongoCartOptions {
  database: Connection;
  clock: Clock;
  /** Milliseconds until an unchanged cart expires. */
  ttl: number;
  /** Whether nobody else writes carts. Then what this node remembers is what is stored. */
  isSoleWriter?: boolean;
}

export function mongoCartStore({ database, ...options }: MongoCartOptions): CartStore {
  const carts = database.getClient().db(database.name).collection<CartDocument>(CARTS);
  return cartStoreOn(new CartDocuments({ carts, ...options }));
}

export function cartStoreOn(documents: CartDocuments): CartStore {
  /** Whoever comes next finishes what a crash has left half done. */
  async function finishMerge(guest: CartDocument, userId: string): Promise<void> {
    await documents.change(keyOf({ user: userId }), (cart) => {
      const merged = cart?.merged ?? [];
      if (merged.includes(guest.born)) return { answer: null };
      return {
        lines: mergeLines(cart ? linesOf(cart) : [], linesOf(guest)),
        merged: [...merged, guest.born].slice(-REMEMBERED),
      };
    });
    await documents.remove(guest);
  }

  return {
    async read(owner) {
      const cart = await documents.read(keyOf(owner));
      return cart && !cart.into ? toCart(cart) : NO_CART;
    },

    async setLine(owner, line) {
      for (let merges = 0; merges < MAX_MERGES; merges++) {
        const done = await documents.change<"full" | { guest: CartDocument; into: string }>(
          keyOf(owner),
          (cart) => {
            if (cart?.into) return { answer: { guest: cart, into: cart.into } };
            const lines = withLine(cart ? linesOf(cart) : [], line);
            return lines ? { lines } : { answer: "full" };
          },
        );
        if (done === "full") return "full";
        if (!("guest" in done)) return toCart(done);
        await finishMerge(done.guest, done.into);
      }
      throw busyCart();
    },

    async removeLine(owner, sku) {
      const left = await documents.change<CartDocument | "no line" | "no cart">(
        keyOf(owner),
        (cart, { again }) => {
          const lines = cart && !cart.into ? linesOf(cart) : [];
          if (lines.some((it) => it.sku === sku)) return { lines: lines.filter((it) => it.sku !== sku) };
          // An earlier write may have removed it.
          if (!again) return { answer: "no line" };
          return { answer: cart && !cart.into ? cart : "no cart" };
        },
      );
      if (left === "no line") return null;
      return left === "no cart" ? NO_CART : toCart(left);
    },

    async clear(owner) {
      await documents.change(keyOf(owner), (cart) => (!cart || cart.into ? { answer: null } : { lines: [] }));
    },

    async dropBought(owner, orderId, bought) {
      await documents.change(keyOf(owner), (cart) => {
        const orders = cart?.orders ?? [];
        if (cart?.into || orders.includes(orderId)) return { answer: null };
        return {
          lines: withoutBought(cart ? linesOf(cart) : [], bought),
          orders: [...orders, orderId].slice(-REMEMBERED),
        };
      });
    },

    async merge(guestId, userId) {
      const claimed = await documents.change<CartDocument | null>(keyOf({ guest: guestId }), (cart) => {
        if (!cart || cart.count === 0 || (cart.into && cart.into !== userId)) return { answer: null };
        return cart.into ? { answer: cart } : { lines: linesOf(cart), into: userId };
      });
      if (claimed) await finishMerge(claimed, userId);
    },

    close: async () => documents.forget(),
  };
}

const keyOf = (owner: CartOwner): string => ("user" in owner ? `u:${owner.user}` : `g:${owner.guest}`);

/** The lines with this one added, or with its quantity and price. Null where there is no room for it. */
function withLine(lines: CartLines, line: CartLine): CartLine[] | null {
  const present = lines.find((it) => it.sku === line.sku);
  if (!present && lines.length >= MAX_LINES) return null;
  const others = lines.filter((it) => it !== present);
  return inOrder([...others, { ...line, addedAt: present?.addedAt ?? line.addedAt }]);
}
