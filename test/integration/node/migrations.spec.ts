import assert from "node:assert/strict";
import { type EmbeddedMongo, startEmbeddedMongo } from "@souk/embedded-mongo";
import type { Connection } from "mongoose";
import { serviceNames } from "../../../broker/moleculer/extension.ts";
import { connectDatabase, type Database } from "../../../broker/mongo/database.ts";
import {
  migrateDown,
  migrateUp,
  migrationStatus,
  migrationsOf,
  type NamedMigration,
} from "../../../broker/mongo/migrations.ts";
import core from "../../../services/index.ts";
import { silentLog } from "../../support/silent-log.ts";

const clock = { now: () => Date.now() };

describe("migrations", () => {
  let store: EmbeddedMongo;
  let database: Database;
  let db: Connection;

  before(async () => {
    store = await startEmbeddedMongo({ dir: ":memory:" });
    database = await connectDatabase(store.uri, silentLog);
  });

  beforeEach(async () => {
    db = database.service("migrated");
    await db.dropDatabase();
  });

  after(async () => {
    await database.close();
    await store.close();
  });

  function counting(name: string, runs: string[]): NamedMigration {
    return {
      name,
      up: async () => void runs.push(`up ${name}`),
      down: async () => void runs.push(`down ${name}`),
    };
  }

  it("apply once, in order, and revert the last one", async () => {
    const runs: string[] = [];
    const all = [counting("0001-a", runs), counting("0002-b", runs)];
    assert.deepEqual(await migrateUp(db, all, "one", clock), ["0001-a", "0002-b"]);
    assert.deepEqual(await migrateUp(db, all, "one", clock), []);
    assert.equal(await migrateDown(db, all, "one", clock), "0002-b");
    assert.deepEqual(
      (await migrationStatus(db, all)).map((it) => it.appliedAt !== null),
      [true, false],
    );
    assert.deepEqual(runs, ["up 0001-a", "up 0002-b", "down 0002-b"]);
  });

  it("run once when several nodes start together", async () => {
    const runs: string[] = [];
    const all = [counting("0001-a", runs), counting("0002-b", runs)];
    await Promise.all(["one", "two", "three", "four"].map((by) => migrateUp(db, all, by, clock)));
    assert.deepEqual(runs, ["up 0001-a", "up 0002-b"]);
  });

  it("take over the lock of a node that died", async () => {
    const runs: string[] = [];
    await db
      .collection("migrations")
      .insertOne({ _id: "lock" as never, holder: "dead", until: new Date(clock.now() - 1) });
    await migrateUp(db, [counting("0001-a", runs)], "one", clock);
    assert.deepEqual(runs, ["up 0001-a"]);
  });

  it("stay pending when they fail, and free the lock", async () => {
    const runs: string[] = [];
    const failing: NamedMigration = {
      ...counting("0001-a", runs),
      up: () => Promise.reject(new Error("no")),
    };
    await assert.rejects(migrateUp(db, [failing], "one", clock), /^Error: no$/);
    assert.deepEqual(await migrateUp(db, [counting("0001-a", runs)], "two", clock), ["0001-a"]);
  });

  for (const service of serviceNames(core))
    it(`of ${service} go up, down to nothing, and up again`, async () => {
      const own = database.service(service);
      const all = await migrationsOf(core.migrations[service]);
      const indexes = async () => {
        const names: string[] = [];
        for (const { name } of await own.listCollections())
          for (const index of await own.collection(name).indexes()) names.push(`${name}.${index.name}`);
        return names.filter((it) => !it.endsWith("._id_")).sort();
      };
      await migrateUp(own, all, "one", clock);
      const first = await indexes();
      for (const _ of all) await migrateDown(own, all, "one", clock);
      assert.deepEqual(await indexes(), []);
      await migrateUp(own, all, "one", clock);
      assert.deepEqual(await indexes(), first);
    });
});
