import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Connection } from "mongoose";
import { serviceNames } from "../../../broker/moleculer/extension.ts";
import {
  inNamespace,
  type MigrationSource,
  migrateDown,
  migrateUp,
  migrationStatus,
  migrationsOf,
  type NamedMigration,
} from "../../../broker/mongo/migrations.ts";
import core from "../../../services/index.ts";
import { type MemoryDatabase, openMemoryDatabase } from "../../support/servers/memory-database.ts";

const clock = { now: () => Date.now() };

describe("migrations", () => {
  let database: MemoryDatabase;
  let db: Connection;

  before(async () => {
    database = await openMemoryDatabase();
  });

  beforeEach(async () => {
    db = database.service("migrated");
    await db.dropDatabase();
  });

  after(async () => {
    await database.close();
  });

  const records = () => db.collection<{ _id: string; holder?: string; until?: Date }>("migrations");

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
    await records().insertOne({ _id: "lock", holder: "dead", until: new Date(clock.now() - 1) });
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

  it("of several sources go each in its order; the one that was applied last goes back first", async () => {
    const runs: string[] = [];
    let now = clock.now();
    const ticking = { now: () => ++now };
    const own = [counting("0001-a", runs)];
    const others = [counting("x/0001-a", runs), counting("y/0001-a", runs), counting("y/0002-b", runs)];
    assert.equal((await migrateUp(db, [...own, ...others], "one", ticking)).length, 4);
    const later = [...own, counting("0002-b", runs), ...others];
    assert.deepEqual(await migrateUp(db, later, "one", ticking), ["0002-b"]);
    const reverted = [];
    for (const _ of later) reverted.push(await migrateDown(db, later, "one", ticking));
    assert.deepEqual(reverted, ["0002-b", "y/0002-b", "y/0001-a", "x/0001-a", "0001-a"]);
    assert.equal(await migrateDown(db, later, "one", ticking), null);
  });

  it("of one source go back in the reverse order, whatever the clocks of the nodes said", async () => {
    const all = [counting("0001-a", []), counting("0002-b", [])];
    await migrateUp(db, all.slice(0, 1), "ahead", { now: () => clock.now() + 60_000 });
    await migrateUp(db, all, "behind", clock);
    assert.equal(await migrateDown(db, all, "one", clock), "0002-b");
    assert.equal(await migrateDown(db, all, "one", clock), "0001-a");
  });

  it("that got another name are not applied again, and leave no name behind", async () => {
    const runs: string[] = [];
    const before = clock.now() - 1_000;
    await migrateUp(db, [counting("0001-a", []), counting("0002-b", [])], "old", { now: () => before });
    const all = [
      counting("0001-a", runs),
      { ...counting("x/0001-b", runs), formerly: ["0009-never", "0002-b"] },
    ];
    assert.deepEqual(await migrateUp(db, all, "new", clock), []);
    assert.deepEqual(
      (await migrationStatus(db, all)).map((it) => [it.name, it.appliedAt?.getTime()]),
      [
        ["0001-a", before],
        ["x/0001-b", before],
      ],
    );
    assert.equal(await migrateDown(db, all, "new", clock), "x/0001-b");
    assert.deepEqual(await migrateUp(db, all, "new", clock), ["x/0001-b"]);
    assert.deepEqual(runs, ["down x/0001-b", "up x/0001-b"]);
    assert.equal(await records().countDocuments({ _id: "0002-b" }), 0);
  });

  it("come from folders, in TypeScript or JavaScript, from subfolders of a service, and from code", async () => {
    const dir = await mkdtemp(join(tmpdir(), "souk-migrations-"));
    const service = pathToFileURL(`${dir}/`);
    const write = async (path: string) => {
      await mkdir(join(dir, path, ".."), { recursive: true });
      await writeFile(
        join(dir, path),
        "export default { up: async () => undefined, down: async () => undefined };",
      );
    };
    const names = async (...sources: MigrationSource[]) => (await migrationsOf(sources)).map((it) => it.name);
    const folder = new URL("migrations/", service);
    try {
      for (const file of ["0002-b.js", "0001-a.ts", "0002-b.d.ts", "0002-b.js.map", "support.ts"])
        await write(`migrations/${file}`);
      await write("a-room/credit/migrations/0001-c.ts");
      const own = ["0001-a", "0002-b"];
      assert.deepEqual(await names(counting("inbox/0001-d", []), folder), ["inbox/0001-d", ...own]);
      assert.deepEqual(await names({ folder }), own);
      assert.deepEqual(await names({ folder, nested: true }), [...own, "credit/0001-c"]);
      assert.deepEqual(await names(...[folder, counting("0001-d", [])].map((it) => inNamespace("x", it))), [
        "x/0001-a",
        "x/0002-b",
        "x/0001-d",
      ]);
      assert.deepEqual(await names({ folder, nested: true, namespace: "x" }), [
        "x/0001-a",
        "x/0002-b",
        "x/credit/0001-c",
      ]);
      const missing = new URL("no-service/migrations/", service);
      assert.deepEqual(await names({ folder: missing, nested: true }), []);
      await assert.rejects(names(missing), /ENOENT/);
      const renamed = { ...counting("x/0001-a", []), formerly: ["0001-a"] };
      for (const twice of [folder, renamed])
        await assert.rejects(names(folder, twice), /^Error: there are two migrations 0001-a$/);
    } finally {
      await rm(dir, { recursive: true });
    }
  });

  it("of M-Pesa are not applied where payments had them", async () => {
    const own = database.service("payments");
    const all = await migrationsOf(core.migrations.payments);
    const pushes = all.find((it) => it.name === "mpesa/0001-pushes") ?? assert.fail("it is not there");
    const former = all.map((it) => (it === pushes ? { ...it, name: "0004-mpesa-pushes", formerly: [] } : it));
    await migrateUp(own, former, "old", clock);
    assert.deepEqual(await migrateUp(own, all, "new", clock), []);
    await own.dropDatabase();
  });

  it("of contracts change nothing where an earlier release has made the same by other migrations", async () => {
    const own = database.service("inventory");
    const all = await migrationsOf(core.migrations.inventory);
    const derived = all.filter((it) => !/^\d/.test(it.name)).map((it) => it.name);
    await migrateUp(own, all, "old", clock);
    const indexes = () => Promise.all(["stock", "stock_inbox"].map((it) => own.collection(it).indexes()));
    const before = await indexes();
    await own.collection<{ _id: string }>("migrations").deleteMany({ _id: { $in: derived } });
    assert.deepEqual(await migrateUp(own, all, "new", clock), derived);
    assert.deepEqual(await indexes(), before);
    await own.dropDatabase();
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
