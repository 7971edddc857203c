import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { Long, MongoClient, UUID } from "mongodb";
import { startEmbeddedMongo, storeProgram } from "../../src/index.ts";
import { Store } from "../../src/store.ts";
import { command, rows } from "../support/run-command.ts";
import { type StoreProcess, storeProcess } from "../support/store-process.ts";
import { temporaryFolder } from "../support/with-store.ts";

describe("the embedded store on disk", () => {
  let dir: string;
  const started = new Set<StoreProcess>();
  beforeEach(() => {
    dir = temporaryFolder();
  });
  afterEach(async () => {
    for (const it of started) await it.end("SIGKILL");
    started.clear();
    rmSync(dir, { recursive: true, force: true });
  });

  async function startProcess(): Promise<StoreProcess> {
    const store = await storeProcess("--dir", dir);
    started.add(store);
    return store;
  }

  it("has every acknowledged write after kill -9 under load", async () => {
    const acknowledged = new Map<string, number>();
    for (let round = 0; round < 3; round++) {
      const { child, uri } = await startProcess();
      const client = await MongoClient.connect(uri, { retryWrites: false, serverSelectionTimeoutMS: 500 });
      const things = client.db("shop").collection<{ _id: string; n: number; log: number[] }>("things");
      await things.createIndex({ n: 1 });
      for (const [id, n] of acknowledged) {
        const found = await things.findOne({ _id: id });
        assert.ok(found !== null && found.n >= n, `${id}: ${found?.n} < ${n}`);
        assert.equal(found.log.length, found.n, "one update is there whole or not at all");
        assert.equal(await things.countDocuments({ n: found.n, _id: id }), 1, "the index agrees");
        acknowledged.set(id, found.n);
      }
      if (round === 0)
        await things.insertMany(Array.from({ length: 5000 }, (_, n) => ({ _id: `o${n}`, n: -1, log: [] })));
      let writes = 0;
      let dead = false;
      const gone = once(child, "exit").then(() => {
        dead = true;
      });
      // Reads that take long, so that reader threads have the file open, too.
      const read = async (): Promise<void> => {
        while (!dead)
          await things.countDocuments({ log: { $size: 0 }, n: { $ne: 7 } }).catch((error) => {
            assert.ok(dead || child.killed, String(error));
          });
      };
      const write = async (worker: number): Promise<void> => {
        const id = `w${worker}`;
        while (!dead) {
          try {
            const done = await things.findOneAndUpdate(
              { _id: id },
              { $inc: { n: 1 }, $push: { log: writes } },
              { upsert: true, returnDocument: "after" },
            );
            acknowledged.set(id, done?.n ?? 0);
            if (++writes === 400) child.kill("SIGKILL");
          } catch (error) {
            assert.ok(dead || child.killed, String(error));
            return;
          }
        }
      };
      await Promise.all([read(), read(), ...Array.from({ length: 16 }, (_, i) => write(i))]);
      await gone;
      await client.close();
      assert.ok(writes >= 400);
    }
  });

  it("has every acknowledged field of a large document after kill -9 under load", async () => {
    const fields = Object.fromEntries(Array.from({ length: 3_000 }, (_, n) => [`first-${n}`, { n }]));
    const expected = new Map<string, number>();
    for (let round = 0; round < 3; round++) {
      const store = await startProcess();
      const client = await MongoClient.connect(store.uri, {
        retryWrites: false,
        serverSelectionTimeoutMS: 500,
      });
      const things = client
        .db("shop")
        .collection<{ _id: string; n: number; map: Record<string, { n: number }> }>("things");
      if (round === 0) await things.insertOne({ _id: "hot", n: 0, map: fields });
      const found = (await things.findOne({ _id: "hot" })) ?? assert.fail("the document is gone");
      for (const [name, n] of expected) assert.equal(found.map[name]?.n, n, name);
      const others = Object.keys(found.map).length - 3_000 - expected.size;
      assert.ok(others >= 0 && others <= 16, `${others} fields that nobody was told of`);
      assert.equal(found.n, expected.size + others, "one update is there whole or not at all");
      for (const [name, { n }] of Object.entries(found.map).slice(3_000)) expected.set(name, n);
      let writes = 0;
      const gone = once(store.child, "exit");
      const write = async (worker: number): Promise<void> => {
        for (let n = 0; ; n++) {
          const name = `r${round}-w${worker}-${n}`;
          try {
            await things.updateOne({ _id: "hot" }, { $inc: { n: 1 }, $set: { [`map.${name}`]: { n } } });
          } catch (error) {
            assert.ok(store.child.killed, String(error));
            return;
          }
          expected.set(name, n);
          if (++writes === 300) store.child.kill("SIGKILL");
        }
      };
      await Promise.all(Array.from({ length: 16 }, (_, i) => write(i)));
      await gone;
      await client.close();
      assert.ok(writes >= 300);
    }
  });

  it("takes the folder of a version that knew no parts of documents", async () => {
    const map = Object.fromEntries(Array.from({ length: 3_000 }, (_, n) => [`k${n}`, { n }]));
    const before = new Store({ dir, sync: "full" });
    command(before, { insert: "things", documents: [{ _id: 1, map }] });
    before.database.sql.exec("DROP TABLE parts");
    await before.close();
    const after = new Store({ dir, sync: "full" });
    const update = { q: { _id: 1 }, u: { $set: { "map.k7": 1 }, $unset: { "map.k8": "" } } };
    assert.equal(command(after, { update: "things", updates: [update] }).nModified, 1);
    await after.close();
    const again = new Store({ dir, sync: "full" });
    const { k8: _, ...rest } = map;
    assert.deepEqual(rows(again, { find: "things" }), [{ _id: 1, map: { ...rest, k7: 1 } }]);
    await again.close();
  });

  it("refuses a second process on the same folder", async () => {
    const store = await startEmbeddedMongo({ dir });
    const second = spawn(process.execPath, [storeProgram, "--dir", dir], {
      stdio: ["ignore", "ignore", "pipe"],
      timeout: 10_000,
    });
    let told = "";
    second.stderr.on("data", (chunk) => {
      told += chunk;
    });
    const [code] = await once(second, "close");
    assert.equal(code, 1);
    assert.match(told, /in use by another process/);
    await store.close();
  });

  it("closes on SIGTERM and brings its log into the file", async () => {
    const { child, uri } = await startProcess();
    const client = await MongoClient.connect(uri);
    await client.db("shop").collection("things").insertOne({ a: 1 });
    await client.close();
    child.kill("SIGTERM");
    const [code] = await once(child, "exit");
    assert.equal(code, 0);
    assert.ok(statSync(join(dir, "store.sqlite")).size > 0);
    assert.equal(statSync(join(dir, "store.sqlite-wal"), { throwIfNoEntry: false })?.size ?? 0, 0);
    const store = await startEmbeddedMongo({ dir });
    const again = await MongoClient.connect(store.uri);
    assert.equal(await again.db("shop").collection("things").countDocuments(), 1);
    await again.close();
    await store.close();
  });

  it("applies a retried write once, also after a restart", async () => {
    const session = { id: new UUID() };
    const write = (n: number) => ({
      update: "things",
      updates: [{ q: { _id: 1 }, u: { $inc: { n: 1 } }, upsert: true }],
      lsid: session,
      txnNumber: Long.fromNumber(n),
    });
    const first = new Store({ dir, sync: "full" });
    const answer = command(first, write(1));
    assert.deepEqual([answer.n, answer.upserted], [1, [{ index: 0, _id: 1 }]]);
    assert.deepEqual(command(first, write(1)), answer);
    await first.close();
    const second = new Store({ dir, sync: "full" });
    assert.deepEqual(command(second, write(1)), answer);
    assert.deepEqual(rows(second, { find: "things" }), [{ _id: 1, n: 1 }]);
    assert.equal(command(second, write(2)).nModified, 1);
    assert.deepEqual(rows(second, { find: "things" }), [{ _id: 1, n: 2 }]);
    assert.equal(command(second, write(1)).code, 225);
    await second.close();
  });
});
