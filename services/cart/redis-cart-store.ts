/** Carts in Redis: one hash each, with a time to live. A change of one line is one script, so one round trip. */
import { createHash } from "node:crypto";
import type { Redis } from "ioredis";
import { SoukError } from "../../broker/contract/errors.ts";
import { newId } from "../../broker/contract/ids.ts";
import { ANSWERS_WITHIN_MS, openRedis } from "../../broker/moleculer/redis.ts";
import type { Log } from "../../broker/resilience/log.ts";
import { rateLimitedLog } from "../../broker/resilience/rate-limited-log.ts";
import {
  type Cart,
  type CartLine,
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

/**
 * Fields of a hash:
 * - `l:<sku>` = `quantity|amount|currency|addedAt`
 * - `rev` counts writes. `quiet` counts those that left the lines unchanged.
 * - `born` distinguishes this cart from a later one of the same owner.
 * - `into` is the user whose cart takes this one over. From then on nothing else changes it.
 * - `orders` and `merged` are the last few of their kind, separated by spaces.
 * Any other field belongs to a newer version and is kept.
 */
type Fields = Record<string, string>;
const KNOWN: ReadonlySet<string> = new Set(["rev", "quiet", "born", "into", "orders", "merged"]);

interface StoredCart {
  /** As text, to be compared with the stored value. */
  rev: string;
  quiet: number;
  born: string;
  into: string | undefined;
  lines: CartLine[];
  orders: string[];
  merged: string[];
  /** Fields that are unknown here. */
  more: [field: string, value: string][];
}

const MAX_TRIES = 10;

export interface RedisCartOptions {
  url: string;
  /** First part of all keys. */
  prefix: string;
  /** Milliseconds until an unchanged cart expires. */
  ttl: number;
  log: Log;
}

export function redisCartStore({ url, prefix, ttl, log }: RedisCartOptions): CartStore {
  const redis = openRedis(url, {
    maxRetriesPerRequest: 2,
    connectTimeout: ANSWERS_WITHIN_MS,
    commandTimeout: ANSWERS_WITHIN_MS,
    noDelay: true,
    limitedLog: rateLimitedLog(log),
    away: "carts are away with Redis",
  });
  const keyOf = (owner: CartOwner): string =>
    `${prefix}cart:${"user" in owner ? `u:${owner.user}` : `g:${owner.guest}`}`;

  const load = async (key: string): Promise<StoredCart> => toCart(await redis.hgetall(key));

  /** Applies `decide` to a cart exactly as it was read. `null` means that nothing must be done. */
  async function change(key: string, decide: (cart: StoredCart) => StoredCart | null): Promise<void> {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const cart = await load(key);
      const next = decide(cart);
      if (!next) return;
      const quiet = cart.quiet + (isSameLines(cart.lines, next.lines) ? 1 : 0);
      if ((await run(redis, REPLACE, key, [cart.rev, ttl, ...toFields({ ...next, quiet })])) === 1) return;
    }
    throw busy();
  }

  async function finishMerge(guestKey: string, guest: StoredCart, userId: string): Promise<void> {
    await change(keyOf({ user: userId }), (cart) =>
      cart.merged.includes(guest.born)
        ? null
        : {
            ...cart,
            lines: mergeLines(cart.lines, guest.lines),
            merged: [...cart.merged, guest.born].slice(-REMEMBERED),
          },
    );
    await run(redis, REMOVE, guestKey, [guest.born]);
  }

  return {
    async read(owner) {
      const cart = await load(keyOf(owner));
      return cart.into ? NO_CART : asCart(cart);
    },

    async setLine(owner, line) {
      const key = keyOf(owner);
      const { sku, quantity, seen, addedAt } = line;
      for (let tries = 0; tries < MAX_TRIES; tries++) {
        const price = `${seen.amount}|${seen.currency}`;
        const reply = await run(redis, SET_LINE, key, [
          sku,
          quantity,
          price,
          addedAt,
          ttl,
          MAX_LINES,
          newId(),
        ]);
        if (reply === "full") return "full";
        if (Array.isArray(reply)) return asCart(toCart(pairs(reply)));
        // A guest's cart that is being merged into a user's. Finish that first.
        const cart = await load(key);
        if (cart.into) await finishMerge(key, cart, cart.into);
      }
      throw busy();
    },

    async removeLine(owner, sku) {
      const reply = await run(redis, REMOVE_LINE, keyOf(owner), [sku, ttl]);
      return Array.isArray(reply) ? asCart(toCart(pairs(reply))) : null;
    },

    async clear(owner) {
      await run(redis, CLEAR, keyOf(owner), [ttl]);
    },

    dropBought: (owner, orderId, bought) =>
      change(keyOf(owner), (cart) =>
        cart.into || cart.orders.includes(orderId)
          ? null
          : {
              ...cart,
              lines: withoutBought(cart.lines, bought),
              orders: [...cart.orders, orderId].slice(-REMEMBERED),
            },
      ),

    async merge(guestId, userId) {
      const key = keyOf({ guest: guestId });
      const reply = await run(redis, CLAIM, key, [userId]);
      if (Array.isArray(reply)) await finishMerge(key, toCart(pairs(reply)), userId);
    },

    async close() {
      redis.disconnect();
    },
  };
}

function toCart(fields: Fields): StoredCart {
  const lines = Object.entries(fields).flatMap(([field, value]) => {
    if (!field.startsWith("l:")) return [];
    const [quantity, amount, currency = "", addedAt] = value.split("|");
    return [
      {
        sku: field.slice(2),
        quantity: Number(quantity),
        seen: { amount: Number(amount), currency },
        addedAt: Number(addedAt),
      },
    ];
  });
  return {
    rev: fields.rev ?? "0",
    quiet: Number(fields.quiet ?? 0),
    born: fields.born ?? newId(),
    into: fields.into,
    lines: inOrder(lines),
    orders: words(fields.orders),
    merged: words(fields.merged),
    more: Object.entries(fields).filter(([field]) => !KNOWN.has(field) && !field.startsWith("l:")),
  };
}

/** A cart as its owner sees it. A cart without a write does not exist. */
const asCart = ({ rev, born, quiet, lines }: StoredCart): Cart =>
  rev === "0" ? NO_CART : { revision: revisionOf({ born, rev: Number(rev), quiet }), lines };

/** All fields except `rev`, which the script counts, as alternating names and values. */
function toFields({ born, quiet, lines, orders, merged, more }: StoredCart): string[] {
  const fields: [string, string][] = [["born", born], ...more];
  if (quiet > 0) fields.push(["quiet", String(quiet)]);
  if (orders.length > 0) fields.push(["orders", orders.join(" ")]);
  if (merged.length > 0) fields.push(["merged", merged.join(" ")]);
  for (const { sku, quantity, seen, addedAt } of lines)
    fields.push([`l:${sku}`, `${quantity}|${seen.amount}|${seen.currency}|${addedAt}`]);
  return fields.flat();
}

const words = (text: string | undefined): string[] => (text ? text.split(" ") : []);

function pairs(reply: readonly unknown[]): Fields {
  const fields: Fields = {};
  for (let at = 0; at + 1 < reply.length; at += 2) fields[String(reply[at])] = String(reply[at + 1]);
  return fields;
}

const busy = () =>
  new SoukError("UNAVAILABLE", "The cart is being changed by many at once.", { retryAfter: 1 });

// ---- scripts -------------------------------------------------------------------------------------------------

interface Script {
  readonly lua: string;
  readonly sha: string;
}

const script = (lua: string): Script => ({ lua, sha: createHash("sha1").update(lua).digest("hex") });

/** Runs a script on one key by its digest. Sends its text where Redis does not have it yet. */
async function run(
  redis: Redis,
  { lua, sha }: Script,
  key: string,
  args: readonly (string | number)[],
): Promise<unknown> {
  try {
    return await redis.evalsha(sha, 1, key, ...args);
  } catch (error) {
    if (!(error as Error).message.startsWith("NOSCRIPT")) throw error;
    return redis.eval(lua, 1, key, ...args);
  }
}

/**
 * Arguments: sku, quantity, price, addedAt, ttl, most lines, born. Result: all fields; "full"; "taken" when it is
 * being merged into a user's cart.
 */
const SET_LINE = script(`
if redis.call('HEXISTS', KEYS[1], 'into') == 1 then return 'taken' end
local field = 'l:' .. ARGV[1]
local present = redis.call('HGET', KEYS[1], field)
local added = ARGV[4]
if present then
  added = string.match(present, '([^|]*)$')
else
  local count = 0
  for _, name in ipairs(redis.call('HKEYS', KEYS[1])) do
    if string.sub(name, 1, 2) == 'l:' then count = count + 1 end
  end
  if count >= tonumber(ARGV[6]) then return 'full' end
end
local line = ARGV[2] .. '|' .. ARGV[3] .. '|' .. added
redis.call('HSETNX', KEYS[1], 'born', ARGV[7])
if line ~= present then
  redis.call('HSET', KEYS[1], field, line)
  redis.call('HINCRBY', KEYS[1], 'rev', 1)
end
redis.call('PEXPIRE', KEYS[1], ARGV[5])
return redis.call('HGETALL', KEYS[1])
`);

/** Arguments: sku, ttl. Result: all fields, or nothing when there was no such line. */
const REMOVE_LINE = script(`
if redis.call('HEXISTS', KEYS[1], 'into') == 1 then return false end
if redis.call('HDEL', KEYS[1], 'l:' .. ARGV[1]) == 0 then return false end
redis.call('HINCRBY', KEYS[1], 'rev', 1)
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return redis.call('HGETALL', KEYS[1])
`);

/** Arguments: ttl. */
const CLEAR = script(`
if redis.call('EXISTS', KEYS[1]) == 0 or redis.call('HEXISTS', KEYS[1], 'into') == 1 then return 0 end
local gone = 0
for _, name in ipairs(redis.call('HKEYS', KEYS[1])) do
  if string.sub(name, 1, 2) == 'l:' then gone = gone + redis.call('HDEL', KEYS[1], name) end
end
if gone > 0 then redis.call('HINCRBY', KEYS[1], 'rev', 1) end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1
`);

/** Arguments: rev as read, ttl, fields and values. Result: 1, or 0 when it has changed since. */
const REPLACE = script(`
if (redis.call('HGET', KEYS[1], 'rev') or '0') ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'rev', ARGV[1] + 1, unpack(ARGV, 3))
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
`);

/** Arguments: user. Result: all fields, or nothing when there is no such cart or another user takes it over. */
const CLAIM = script(`
if redis.call('EXISTS', KEYS[1]) == 0 then return false end
local into = redis.call('HGET', KEYS[1], 'into')
if into and into ~= ARGV[1] then return false end
redis.call('HSET', KEYS[1], 'into', ARGV[1])
redis.call('HINCRBY', KEYS[1], 'rev', 1)
return redis.call('HGETALL', KEYS[1])
`);

/** Arguments: born. */
const REMOVE = script(`
if redis.call('HGET', KEYS[1], 'born') == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
`);
