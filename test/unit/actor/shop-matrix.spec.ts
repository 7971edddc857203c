/**
 * The crash matrix over the shop's own actors and workers: whatever dies, wherever, with every message coming twice or
 * in another order, the same orders come to the same end. What is tried comes from the contracts, so a new actor or
 * worker is in it as soon as the script of orders (support/matrix/shop-script.ts) gives it something to do.
 */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type EmbeddedMongo, startEmbeddedMongo } from "@souk/embedded-mongo";
import { workerName } from "../../../broker/bus/topology.ts";
import { connectDatabase } from "../../../broker/mongo/database.ts";
import { migrateUp, migrationsOf } from "../../../broker/mongo/migrations.ts";
import core from "../../../services/index.ts";
import { silentLog } from "../../support/silent-log.ts";
import { type FinalState, finalState } from "./support/matrix/final-state.ts";
import type { Crash, Place, Points } from "./support/matrix/points.ts";
import { SERVICES, ShopRun } from "./support/matrix/shop-run.ts";
import { ENDS, LABELS, play, STOCK } from "./support/matrix/shop-script.ts";
import type { Mode } from "./support/matrix/step-broker.ts";
import { seeded } from "./support/sim-shop.ts";

const ACTOR_POINTS = ["before-commit", "after-commit", "after-publish", "after-confirm", "before-ack"];
const WORKER_POINTS = ["before-work", "before-ack"];
const MODES: Mode[] = ["duplicated", "shuffled"];
/** MATRIX_SEED gives the same crashes and the same order of messages again. */
const SEED = Number(process.env.MATRIX_SEED ?? 1);

const actors = core.contracts.flatMap((it) => Object.keys(it.actors));
const workers = core.contracts.flatMap((it) =>
  Object.keys(it.workers).map((worker) => workerName(it.service, worker)),
);

describe("The shop, killed anywhere", function () {
  this.timeout(120_000);
  let dir: string;
  /** One for each kind of trouble, so that two runs go on at once. */
  const stores = new Map<Mode, EmbeddedMongo>();
  let clean: { state: FinalState; points: Points };
  let runs = 0;

  async function run(mode: Mode, crash?: Crash): Promise<{ state: FinalState; points: Points }> {
    const uri = (stores.get(mode) ?? stores.get(MODES[0]!))?.uri ?? "";
    const shop = await ShopRun.open({
      uri,
      mode,
      seed: SEED + runs++,
      ...(crash ? { crash } : {}),
    });
    const orders = await play(shop);
    const state = await finalState(shop, orders);
    assert.deepEqual(shop.messages.buried, [], "no message is given up");
    const { points } = shop;
    await shop.close();
    return { state, points };
  }

  /** Dies at each point that a clean run comes to, at a random time that it does, under each kind of trouble. */
  async function tryAll(name: string): Promise<void> {
    const random = seeded(SEED + name.length);
    const places = clean.points.of(name).map((it) => ({ ...it, name, chance: random() }));
    await Promise.all(
      MODES.map(async (mode) => {
        for (const place of places) await tryOne(mode, place);
      }),
    );
  }

  async function tryOne(
    mode: Mode,
    { name, point, count, chance }: Place & { count: number; chance: number },
  ): Promise<void> {
    // Batches may be larger than in the clean run, so that there are fewer of them.
    let nth = 1 + Math.floor(chance * Math.ceil(count / 2));
    let tried = await run(mode, { name, point, nth });
    if (!tried.points.crashed) {
      nth = 1;
      tried = await run(mode, { name, point, nth });
    }
    assert.ok(tried.points.crashed, `${name} comes to ${point}`);
    assert.deepEqual(tried.state, clean.state, `${name} dies ${point}, time ${nth}, messages ${mode}`);
  }

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "souk-matrix-"));
    for (const mode of MODES) {
      const mongo = await startEmbeddedMongo({ dir: join(dir, mode), sync: "normal" });
      stores.set(mode, mongo);
      const database = await connectDatabase(mongo.uri, silentLog);
      for (const service of SERVICES)
        await migrateUp(database.service(service), await migrationsOf(core.migrations[service]), "matrix", {
          now: Date.now,
        });
      await database.close();
    }
    clean = await run("in order");
  });
  after(async () => {
    await Promise.all([...stores.values()].map((it) => it.close()));
    await rm(dir, { recursive: true, force: true });
  });

  it("brings every order to its end when nothing happens", () => {
    const { state } = clean;
    const documents = <S>(name: string) => state[name] as { _id: string; state: S }[];
    const orders = new Map(
      documents<{ status: string }>("orders.orders").map((it) => [it._id, it.state.status]),
    );
    const payments = documents<{ status: string; orderId: string }>("payments.payments");
    for (const label of LABELS) {
      const ofOrder = payments.filter((it) => it.state.orderId === label).map((it) => it.state.status);
      assert.deepEqual({ order: orders.get(label), payments: ofOrder.sort() }, ENDS[label], label);
    }
    const sold = { PLENTY: 5, LAST: 0, ONE: 0 };
    for (const { _id, state } of documents<{ onHand: number; held: number }>("inventory.stock")) {
      const sku = _id as keyof typeof STOCK;
      assert.deepEqual([state.onHand, state.held], [STOCK[sku] - sold[sku], 0], sku);
    }
  });

  for (const mode of MODES)
    it(`comes to the same without a crash, messages ${mode}`, async () => {
      assert.deepEqual((await run(mode)).state, clean.state);
    });

  for (const actor of actors)
    it(`comes to the same when it dies in the actor ${actor}`, async () => {
      const reached = clean.points.of(actor).map((it) => it.point);
      assert.deepEqual(reached.toSorted(), ACTOR_POINTS.toSorted(), "the script gives it something to do");
      await tryAll(actor);
    });

  for (const worker of workers)
    it(`comes to the same when it dies in the worker ${worker}`, async () => {
      const reached = clean.points.of(worker).map((it) => it.point);
      for (const point of WORKER_POINTS)
        assert.ok(reached.includes(point), "the script gives it something to do");
      await tryAll(worker);
    });

  it("comes to the same when it dies between a plain document and its message", async () => {
    const others = clean.points.names.filter((it) => !actors.includes(it) && !workers.includes(it));
    assert.ok(others.includes("outbox of /payments"), `${others}`);
    for (const name of others) await tryAll(name);
  });
});
