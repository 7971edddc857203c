/** A service may have a MongoDB of its own. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { type EmbeddedMongo, startEmbeddedMongo } from "@souk/embedded-mongo";
import { newId } from "../../../broker/contract/ids.ts";
import { loadConfig } from "../../../broker/moleculer/config.ts";
import { connectDatabase, type Database } from "../../../broker/mongo/database.ts";
import { migrateDown, migrateUp, migrationsOf } from "../../../broker/mongo/migrations.ts";
import { ownDatabases } from "../../../broker/mongo/service-databases.ts";
import { silentLog } from "../../../broker/resilience/silent-log.ts";
import core from "../../../services/index.ts";
import { createNumberClaim } from "../../../services/orders/checkout/claim-number.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import { firstAdmin, orderBecomes, paidOrder, putOnSale, signUp } from "../../../souk/testing/people.ts";
import { type Shop, startShop } from "../../../souk/testing/start-shop.ts";
import { type MemoryDatabase, openMemoryDatabase } from "../../support/servers/memory-database.ts";

const run = promisify(execFile);

describe("a database of its own for a service", function () {
  this.timeout(60_000);
  let shared: EmbeddedMongo;
  let own: EmbeddedMongo;
  let [ofShared, ofOwn]: Database[] = [];
  let dir: string;
  let shop: Shop;

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "souk-own-database-"));
    [shared, own] = await Promise.all([
      startEmbeddedMongo({ dir: join(dir, "shared"), sync: "normal" }),
      startEmbeddedMongo({ dir: join(dir, "own"), sync: "normal" }),
    ]);
    ofShared = await connectDatabase(shared.uri, silentLog);
    ofOwn = await connectDatabase(own.uri, silentLog);
    await writeFile(join(dir, "uri"), `${own.uri}\n`);
    shop = await startShop({
      env: { MONGO_URL: shared.uri, MONGO_URL_ORDERS_FILE: join(dir, "uri") },
    });
  });
  after(async () => {
    await shop?.stop();
    await ofShared?.close();
    await ofOwn?.close();
    await shared?.close();
    await own?.close();
    await rm(dir, { recursive: true, force: true });
  });

  const collections = async (database: Database | undefined, service: string) =>
    ((await database?.service(service).listCollections()) ?? []).map((it) => it.name);

  it("keeps its documents, and nothing of the others", async () => {
    const { sku } = await putOnSale(await firstAdmin(shop.http));
    const buyer = await signUp(shop.http);
    const { id, number } = await paidOrder(buyer, sku);
    await orderBecomes(buyer, id, "paid");
    const orders = ofOwn?.service("orders").collection<{ _id: string }>("orders");
    assert.ok(await orders?.findOne({ _id: id }));
    const numbers = ofOwn?.service("orders").collection<{ _id: string; order: string }>("order_numbers");
    assert.deepEqual(await numbers?.findOne({ _id: number }), { _id: number, order: id });
    assert.deepEqual(await collections(ofShared, "orders"), []);
    assert.deepEqual(await collections(ofOwn, "payments"), []);
    assert.ok((await collections(ofShared, "payments")).includes("payments"));
  });

  it("is what commands look at, too", async () => {
    const env = { ...process.env, NODE_ENV: "test", DATA_DIR: dir, AMQP_URL: "", REDIS_URL: "" };
    const status = async (more: Record<string, string>) => {
      const args = ["--import", "./scripts/support/preload.mjs", "scripts/migrate.ts", "status", "orders"];
      return (await run(process.execPath, args, { env: { ...env, MONGO_URL: shared.uri, ...more } })).stdout;
    };
    assert.match(await status({ MONGO_URL_ORDERS: own.uri }), /0001-indexes \d{4}-/);
    assert.match(await status({}), /0001-indexes pending/);
  });

  it("lets orders be sharded by their id: no other index is unique", async () => {
    const indexes = await ofOwn?.service("orders").collection("orders").indexes();
    assert.deepEqual(
      indexes?.filter((it) => it.unique),
      [],
    );
  });

  it("is needed as the others are: the node is not ready without it", async () => {
    assert.equal((await shop.http.request("GET", "//health/ready")).status, 200);
    await own.close();
    await eventually("it is not ready", async () => {
      const { status, body } = await shop.http.request<object>("GET", "//health/ready");
      return status === 503 && /database/.test(JSON.stringify(body));
    });
  });
});

describe("variables of databases", () => {
  const config = (env: NodeJS.ProcessEnv) => loadConfig({ ...env });
  const services = ["orders", "users"];

  it("name a service that there is, and an address", () => {
    const found = ownDatabases(
      config({ MONGO_URL_ORDERS: "mongodb://one", MONGO_URL: "mongodb://all" }),
      services,
    );
    assert.deepEqual([...found], [["orders", { uri: "mongodb://one", variable: "MONGO_URL_ORDERS" }]]);
    assert.equal(ownDatabases(config({ MONGO_URL_FILE: "", MONGO_URL_ORDERS: "" }), services).size, 0);
    for (const [env, message] of [
      [{ MONGO_URL_ORDER: "mongodb://one" }, /^MONGO_URL_ORDER: there is no service of that name/],
      [{ MONGO_URL_ORDERS: "http://one" }, /^MONGO_URL_ORDERS: must start with mongodb:/],
      [{ MONGO_URL_USERS_FILE: "/nowhere" }, /^MONGO_URL_USERS_FILE: can't read/],
    ] as const)
      assert.throws(() => ownDatabases(config(env), services), { message });
  });
});

describe("numbers of orders", () => {
  let database: MemoryDatabase;
  before(async () => {
    database = await openMemoryDatabase();
  });
  after(async () => {
    await database.close();
  });

  it("are each order's own, and stay so, also where they collide", async () => {
    // Three numbers for all first tries: the rest have to go on to later ones.
    const claim = createNumberClaim(database.service("orders"), (id, attempt) =>
      attempt === 0 ? `N${Number.parseInt(id.slice(-4), 16) % 3}` : `${id}-${attempt}`,
    );
    const ids = Array.from({ length: 40 }, newId);
    const once = await Promise.all(ids.map(claim));
    assert.equal(new Set(once).size, ids.length);
    assert.deepEqual(await Promise.all([...ids, ...ids].map(claim)), [...once, ...once]);
  });

  it("are kept of orders that were there before, up and down", async () => {
    const db = database.service("orders");
    await db.dropDatabase();
    const clock = { now: () => Date.now() };
    const all = (await migrationsOf(core.migrations.orders)).filter((it) => it.name < "0005");
    const before = all.filter((it) => it.name < "0004");
    await migrateUp(db, before, "test", clock);
    const orders = db.collection<{
      _id: string;
      state: { number: string; customerId: string; status: string };
    }>("orders");
    const made = Array.from({ length: 2_500 }, (_, n) => ({
      _id: newId(),
      state: { number: `N${n}`, customerId: "c", status: "paid" },
    }));
    await orders.insertMany(made);
    await migrateUp(db, all, "test", clock);
    const numbers = db.collection<{ _id: string; order: string }>("order_numbers");
    assert.equal(await numbers.countDocuments(), made.length);
    assert.equal((await numbers.findOne({ _id: "N7" }))?.order, made[7]?._id);
    assert.equal(await migrateDown(db, all, "test", clock), "0004-order-numbers");
    const twice = { _id: newId(), state: { number: "N7", customerId: "c", status: "paid" } };
    await assert.rejects(orders.insertOne(twice), { code: 11_000 });
    assert.equal(await numbers.countDocuments(), 0);
  });
});
