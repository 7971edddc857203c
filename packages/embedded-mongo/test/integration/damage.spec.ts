/** A data file that is damaged in the middle. The store reports it and ends, and nothing is acknowledged. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, fstatSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { MongoClient } from "mongodb";
import { startEmbeddedMongo, storeProgram } from "../../src/index.ts";
import { Readers } from "../../src/readers/readers.ts";
import { MongoServer } from "../../src/server.ts";
import { DamagedFile } from "../../src/storage/damage.ts";
import { Store } from "../../src/store.ts";
import { command } from "../support/run-command.ts";
import { temporaryFolder } from "../support/with-store.ts";

const pageSize = 8192;

/** Overwrites the file's pages from the second quarter to the third. */
function damage(dir: string): void {
  const file = openSync(join(dir, "store.sqlite"), "r+");
  const pages = Math.floor(fstatSync(file).size / pageSize);
  assert.ok(pages > 40);
  const noise = Buffer.alloc(pageSize, 0x5a);
  for (let page = Math.floor(pages / 4); page < (pages * 3) / 4; page++)
    writeSync(file, noise, 0, pageSize, page * pageSize);
  closeSync(file);
}

describe("a damaged file of the embedded store", () => {
  let dir: string;
  beforeEach(async () => {
    dir = temporaryFolder();
    const store = new Store({ dir, sync: "normal" });
    command(store, { createIndexes: "things", indexes: [{ key: { n: 1 }, name: "n" }] });
    const documents = Array.from({ length: 3000 }, (_, _id) => ({ _id, n: _id % 97, text: "x".repeat(300) }));
    assert.equal(command(store, { insert: "things", documents }).n, 3000);
    await store.close();
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  it("keeps the process from starting, with one line", async () => {
    damage(dir);
    const child = spawn(process.execPath, [storeProgram, "--dir", dir], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let told = "";
    let out = "";
    child.stderr.on("data", (chunk) => {
      told += chunk;
    });
    child.stdout.on("data", (chunk) => {
      out += chunk;
    });
    const [code] = await once(child, "close");
    assert.equal(code, 1);
    assert.equal(out, "");
    assert.match(told, /store\.sqlite is damaged \(.+\): the store takes no more commands/);
    assert.equal(told.trim().split("\n").length, 1, told);
  });

  it("keeps the thread from starting", async () => {
    damage(dir);
    await assert.rejects(startEmbeddedMongo({ dir }), /store\.sqlite is damaged/);
  });

  for (const [where, most] of [
    ["in the thread that writes", 0],
    ["in a reader thread", 1],
  ] as const)
    it(`ends a store that meets the damage ${where}: what is under way is refused, nothing comes after`, async () => {
      const store = new Store({ dir, sync: "full" });
      const readers = most > 0 ? new Readers(store, { dir, most }) : undefined;
      const server = new MongoServer(store, readers, 0);
      const fatal = new Promise<unknown>((resolve) => {
        server.onFatal = resolve;
      });
      const socket = await server.listen({ socket: join(dir, "mongodb.sock") });
      const client = await MongoClient.connect(
        `mongodb://${encodeURIComponent(socket)}/?directConnection=true`,
        {
          retryWrites: false,
          retryReads: false,
          serverSelectionTimeoutMS: 500,
        },
      );
      const things = client.db("test").collection<{ _id: number }>("things");
      if (readers === undefined) assert.equal(await things.countDocuments({ text: "none" }), 0);
      damage(dir);
      store.database.sql.exec("PRAGMA shrink_memory");
      const met = await Promise.allSettled([
        things.countDocuments({ text: "none" }),
        // They could meet it first, in the thread that writes.
        ...Array.from({ length: readers ? 0 : 20 }, (_, i) => things.insertOne({ _id: 10_000 + i })),
      ]);
      assert.ok(met[0]?.status === "rejected");
      assert.match(String(met[0].reason), /is damaged|connection .* closed/);
      const error = await fatal;
      assert.ok(error instanceof DamagedFile, String(error));
      await assert.rejects(things.insertOne({ _id: 20_000 }));
      await client.close();
      await readers?.close();
    });
});
