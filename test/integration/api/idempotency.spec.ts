import assert from "node:assert/strict";
import { type EmbeddedMongo, startEmbeddedMongo } from "@souk/embedded-mongo";
import { type Connection, createConnection } from "mongoose";
import type { CallMeta } from "../../../broker/contract/call-meta.ts";
import { SoukError } from "../../../broker/contract/errors.ts";
import { newId } from "../../../broker/contract/ids.ts";
import {
  answersStored,
  idempotencyIndexes,
  KEY_TTL_MS,
  LEASE_MS,
  type OnceCall,
  type OnceTools,
  once,
} from "../../../broker/mongo/idempotency.ts";
import type { Clock } from "../../../broker/resilience/clock.ts";
import type { Log } from "../../../broker/resilience/log.ts";
import { silentLog } from "../../../broker/resilience/silent-log.ts";
import { eventually } from "../../../souk/testing/eventually.ts";

describe("an action under an Idempotency-Key", () => {
  let store: EmbeddedMongo;
  let connection: Connection;
  let commands: string[];
  // The present time, because the database expires records by real time.
  const time = { at: Date.now() };
  const clock: Clock = { now: () => time.at };
  const failures: string[] = [];
  const log: Log = { ...silentLog, error: (message) => failures.push(String(message)) };

  before(async () => {
    store = await startEmbeddedMongo({ dir: ":memory:" });
    connection = await createConnection(`${store.uri}`, {
      dbName: "souk_test",
      monitorCommands: true,
    }).asPromise();
    await idempotencyIndexes(connection);
    connection.getClient().on("commandStarted", ({ commandName }) => commands.push(commandName));
  });
  beforeEach(() => {
    commands = [];
  });
  after(async () => {
    await connection.close();
    await store.close();
    assert.deepEqual(failures, []);
  });

  const tools = (): OnceTools => ({ connection, clock, log });
  const user = newId();
  const request = (
    key: string,
    params: unknown = { sku: "A" },
    by = user,
  ): OnceCall & { meta: CallMeta } => ({
    action: "orders.place",
    params,
    status: 201,
    meta: { idempotencyKey: key, user: { id: by, roles: ["customer"] } },
  });
  const refusal = (code: string) => (error: unknown) => error instanceof SoukError && error.type === code;

  it("works once for 50 equal requests at once, and answers all of them alike or with 409", async () => {
    const key = newId();
    let runs = 0;
    const outcomes = await Promise.allSettled(
      Array.from({ length: 50 }, () =>
        once(tools(), request(key), async () => {
          runs++;
          await new Promise((resolve) => setTimeout(resolve, 20));
          return { id: "the-order" };
        }),
      ),
    );
    assert.equal(runs, 1);
    for (const outcome of outcomes)
      if (outcome.status === "fulfilled") assert.deepEqual(outcome.value, { id: "the-order" });
      else assert.ok(refusal("IDEMPOTENCY_IN_PROGRESS")(outcome.reason), String(outcome.reason));
    assert.ok(outcomes.some((it) => it.status === "fulfilled"));
  });

  it("costs two writes and no read", async () => {
    await once(tools(), request(newId()), () => ({ id: 1 }));
    await answersStored(connection);
    assert.deepEqual(commands, ["insert", "update"]);
  });

  it("answers without waiting until its answer is stored, and a repeated request waits for that", async () => {
    const key = newId();
    assert.equal(await once(tools(), request(key), () => "first"), "first");
    assert.deepEqual(commands, ["insert"]);
    assert.equal(await once(tools(), request(key), () => assert.fail("must not run again")), "first");
    assert.deepEqual(commands.slice(0, 2), ["insert", "update"]);
  });

  it("repeats status, body and headers of the first answer, and says so", async () => {
    const key = newId();
    const first = request(key);
    const body = await once(tools(), first, () => {
      first.meta.$responseHeaders = { "X-Cart-Id": "c" };
      return { b: 1, a: [null, "x"] };
    });
    const second = request(key);
    const again = await once(tools(), second, () => assert.fail("must not run again"));
    assert.equal(JSON.stringify(again), JSON.stringify(body));
    assert.equal(second.meta.$statusCode, 201);
    assert.deepEqual(second.meta.$responseHeaders, { "X-Cart-Id": "c", "Idempotent-Replayed": "true" });
  });

  it("refuses another request under a used key, whatever the order of its fields", async () => {
    const key = newId();
    await once(tools(), request(key, { a: 1, b: { c: 2, d: 3 } }), () => ({}));
    await once(tools(), request(key, { b: { d: 3, c: 2 }, a: 1 }), () => assert.fail("must not run again"));
    await assert.rejects(
      once(tools(), request(key, { a: 2, b: { c: 2, d: 3 } }), () => ({})),
      refusal("IDEMPOTENCY_KEY_REUSED"),
    );
  });

  it("keeps callers apart", async () => {
    const key = newId();
    assert.equal(await once(tools(), request(key), () => "mine"), "mine");
    assert.equal(await once(tools(), request(key, { sku: "A" }, newId()), () => "theirs"), "theirs");
  });

  it("refuses to work without a key", async () => {
    const call = request("");
    await assert.rejects(
      once(tools(), call, () => assert.fail("must not run")),
      refusal("IDEMPOTENCY_KEY_MISSING"),
    );
  });

  it("runs again under the same resource id when a crash left it unfinished and the lease is over", async () => {
    const key = newId();
    const first = request(key);
    // A crashed process neither answers nor throws: its run never ends.
    void once(tools(), first, () => new Promise<never>(() => undefined));
    await eventually("the first run has begun", () => first.meta.resourceId !== undefined);
    await assert.rejects(
      once(tools(), request(key), () => ({})),
      refusal("IDEMPOTENCY_IN_PROGRESS"),
    );
    time.at += LEASE_MS + 1;
    const second = request(key);
    assert.equal(await once(tools(), second, () => second.meta.resourceId), first.meta.resourceId);
    assert.ok(first.meta.resourceId);
  });

  it("leaves a run alone that takes longer than its lease and gives signs of life", async function () {
    this.timeout(20_000);
    const key = newId();
    const end = Promise.withResolvers<string>();
    const first = request(key);
    const running = once(tools(), first, () => end.promise);
    await eventually("the first run has begun", () => first.meta.resourceId !== undefined);
    // By the clock, most of the lease is over. The next renewal is due in real time.
    time.at += LEASE_MS - 1;
    const records = connection.collection<{ _id: string }>("idempotency_keys");
    const renewed = { _id: `${user}/orders.place/${key}`, lockedUntil: { $gt: new Date(time.at + 1) } };
    await eventually("the lease is renewed", async () => (await records.countDocuments(renewed)) > 0);
    time.at += 2;
    await assert.rejects(
      once(tools(), request(key), () => assert.fail("must not run")),
      refusal("IDEMPOTENCY_IN_PROGRESS"),
    );
    end.resolve("first");
    assert.equal(await running, "first");
    assert.equal(await once(tools(), request(key), () => assert.fail("must not run")), "first");
  });

  it("ignores the answer of a run that was taken for dead", async () => {
    const key = newId();
    const end = Promise.withResolvers<string>();
    const first = request(key);
    const running = once(tools(), first, () => end.promise);
    await eventually("the first run has begun", () => first.meta.resourceId !== undefined);
    time.at += LEASE_MS + 1;
    assert.equal(await once(tools(), request(key), () => "second"), "second");
    end.resolve("first");
    await running;
    assert.equal(await once(tools(), request(key), () => assert.fail("must not run")), "second");
  });

  it("lets one of many take over an unfinished run", async () => {
    const key = newId();
    const first = request(key);
    void once(tools(), first, () => new Promise<never>(() => undefined));
    await eventually("the first run has begun", () => first.meta.resourceId !== undefined);
    time.at += LEASE_MS + 1;
    let runs = 0;
    await Promise.allSettled(
      Array.from({ length: 20 }, () => once(tools(), request(key), async () => ({ run: ++runs }))),
    );
    assert.equal(runs, 1);
  });

  it("runs again at once, under the same resource id, after a failure of ours", async () => {
    for (const failure of [
      new SoukError("UNAVAILABLE"),
      new SoukError("PROVIDER_FAILED"),
      new TypeError("bug"),
    ]) {
      const key = newId();
      const first = request(key);
      await assert.rejects(
        once(tools(), first, () => {
          throw failure;
        }),
        failure,
      );
      const second = request(key);
      assert.equal(await once(tools(), second, () => second.meta.resourceId), first.meta.resourceId);
    }
  });

  it("repeats a refusal of the business", async () => {
    const key = newId();
    const failing = () => {
      throw new SoukError("CART_EMPTY", "Nothing in it.");
    };
    await assert.rejects(once(tools(), request(key), failing), refusal("CART_EMPTY"));
    const second = request(key);
    await assert.rejects(
      once(tools(), second, () => assert.fail("must not run again")),
      (error: unknown) => refusal("CART_EMPTY")(error) && (error as Error).message === "Nothing in it.",
    );
    assert.equal(second.meta.$responseHeaders?.["Idempotent-Replayed"], "true");
  });

  it("leaves the key free after a failure of validation", async () => {
    const key = newId();
    await assert.rejects(
      once(tools(), request(key, { quantity: 0 }), () => {
        throw new SoukError("VALIDATION_FAILED");
      }),
      refusal("VALIDATION_FAILED"),
    );
    assert.equal(await once(tools(), request(key, { quantity: 1 }), () => "ok"), "ok");
  });

  it("forgets a key after 48 hours, even where the database has not removed it yet", async () => {
    const key = newId();
    await once(tools(), request(key), () => "first");
    time.at += KEY_TTL_MS + 1;
    assert.equal(await once(tools(), request(key, { other: true }), () => "second"), "second");
  });

  it("lets the database remove what has expired", async () => {
    const indexes = await connection.collection("idempotency_keys").indexes();
    assert.ok(indexes.some((it) => it.expireAfterSeconds === 0 && it.key.expiresAt === 1));
  });
});
