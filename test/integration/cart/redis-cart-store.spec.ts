import assert from "node:assert/strict";
import { Redis } from "ioredis";
import { newId } from "../../../broker/contract/ids.ts";
import { silentLog } from "../../../broker/resilience/silent-log.ts";
import { redisCartStore } from "../../../services/cart/redis-cart-store.ts";
import { cartStoreConformance, type StoreUnderTest } from "./store-conformance.ts";

const TTL = 60_000;

describe("carts in Redis", () => {
  const url = process.env.REDIS_URL ?? "redis://127.0.0.1:6379";
  const prefix = `souk-test-${newId()}:`;
  let redis: Redis;
  let stores: StoreUnderTest;

  before(async () => {
    redis = new Redis(url);
    const make = () => redisCartStore({ url, prefix, ttl: TTL, log: silentLog });
    stores = { store: make(), other: make() };
  });
  after(async () => {
    const keys = await redis.keys(`${prefix}*`);
    if (keys.length > 0) await redis.del(...keys);
    redis.disconnect();
    await stores.store.close();
    await stores.other.close();
  });

  cartStoreConformance(() => stores);

  const line = { sku: "A", quantity: 1, seen: { amount: 500, currency: "USD" }, addedAt: 1 };

  it("renews a cart's time with each change", async () => {
    const user = newId();
    const key = `${prefix}cart:u:${user}`;
    const renews = async (what: string, change: () => Promise<unknown>) => {
      await redis.pexpire(key, 1_000);
      await change();
      assert.ok((await redis.pttl(key)) > TTL / 2, what);
    };
    await stores.store.setLine({ user }, line);
    await renews("putting in", () => stores.store.setLine({ user }, { ...line, sku: "B" }));
    await renews("removing", () => stores.store.removeLine({ user }, "B"));
    await renews("dropping", () => stores.store.dropBought({ user }, newId(), [{ sku: "A", quantity: 1 }]));
    await renews("clearing", () => stores.store.clear({ user }));
  });

  it("keeps what a newer version has written beside what it knows", async () => {
    const user = newId();
    const key = `${prefix}cart:u:${user}`;
    await stores.store.setLine({ user }, { ...line, quantity: 3 });
    await redis.hset(key, "note", "a gift", "x:A", "Ann");
    await stores.other.setLine({ user }, { ...line, quantity: 5 });
    await stores.other.dropBought({ user }, newId(), [{ sku: "A", quantity: 1 }]);
    const { note, "x:A": engraving } = await redis.hgetall(key);
    assert.deepEqual([note, engraving], ["a gift", "Ann"]);
    assert.deepEqual((await stores.store.read({ user })).lines, [{ ...line, quantity: 4 }]);
  });

  it("gives every cart an end", async () => {
    const keys = await redis.keys(`${prefix}*`);
    assert.ok(keys.length > 0);
    for (const key of keys) assert.ok((await redis.pttl(key)) > 0, key);
  });

  it("finishes a merge that a crash has left half done, whoever comes next", async () => {
    for (const next of ["the user", "the guest"]) {
      const [user, guest] = [newId(), newId()];
      await stores.store.setLine({ guest }, line);
      await redis.hset(`${prefix}cart:g:${guest}`, "into", user);
      assert.deepEqual((await stores.store.read({ guest })).lines, []);
      if (next === "the user") await stores.store.merge(guest, user);
      else await stores.store.setLine({ guest }, { ...line, sku: "B" });
      assert.deepEqual((await stores.store.read({ user })).lines, [line]);
    }
  });

  it("works after Redis has forgotten its scripts", async () => {
    const user = newId();
    await stores.store.setLine({ user }, line);
    await redis.script("FLUSH");
    assert.equal((await stores.store.removeLine({ user }, "A"))?.lines.length, 0);
  });
});
