/**
 * The crash matrix. A node crashes at every crash point, and messages are repeated or reordered. The same story must
 * reach the same final state. The contracts say what is tried. So a new actor or worker is included once the story
 * gives it work.
 */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type EmbeddedMongo, startEmbeddedMongo } from "@souk/embedded-mongo";
import type { Crash, Place, Points } from "../../../broker/actor/testing/matrix/points.ts";
import type { Mode } from "../../../broker/actor/testing/matrix/step-broker.ts";
import { seeded } from "../../../broker/actor/testing/seeded.ts";
import { workerName } from "../../../broker/bus/topology.ts";
import { connectDatabase } from "../../../broker/mongo/database.ts";
import { migrateUp, migrationsOf } from "../../../broker/mongo/migrations.ts";
import { systemClock } from "../../../broker/resilience/clock.ts";
import { silentLog } from "../../../broker/resilience/silent-log.ts";
import { type Comparison, type FinalState, finalState } from "./final-state.ts";
import { MatrixRun, type MatrixShop, type World } from "./matrix-run.ts";

const ACTOR_POINTS = ["before-commit", "after-commit", "after-publish", "after-confirm", "before-ack"];
const WORKER_POINTS = ["before-work", "before-ack"];
const MODES: readonly Mode[] = ["duplicated", "shuffled"];

export interface CrashMatrixOptions<W extends World = World> extends MatrixShop<W>, Comparison {
  /**
   * Runs the whole story. Crashes are possible after `run.points.armed = true`.
   * @returns names for ids that differ between runs
   */
  play(run: MatrixRun<W>): Promise<ReadonlyMap<string, string> | undefined>;
  /** The actors and workers (`service.worker`) that crash: all of the shop by default. */
  only?: readonly string[];
  /** Checks the final state. */
  check?(state: FinalState): void;
  /**
   * Outboxes of plain documents at which a crash is possible: between the document and its message. With `only`, these
   * are tried too.
   */
  outboxes?: readonly string[];
}

interface Ran {
  state: FinalState;
  points: Points;
}

/**
 * Registers the tests of a crash matrix in the calling `describe`. They cover the undisturbed story, repeated and
 * reordered messages, and each actor and worker of the contracts. It needs mocha's `it`, `before` and `after`, or
 * the same globals of another runner. `MATRIX_SEED` repeats the same crashes.
 */
export function crashMatrix<W extends World>(options: CrashMatrixOptions<W>): void {
  const { contracts } = options.shop;
  const { only } = options;
  const crashes = (name: string): boolean => only?.includes(name) ?? true;
  const actors = contracts.flatMap((it) => Object.keys(it.actors)).filter(crashes);
  const workers = contracts
    .flatMap((it) => Object.keys(it.workers).map((worker) => workerName(it.service, worker)))
    .filter(crashes);
  const matrix = new CrashMatrix(options);

  before(() => matrix.open());
  after(() => matrix.close());

  it("comes to its end when nothing happens", () => options.check?.(matrix.clean.state));

  for (const mode of MODES)
    it(`comes to the same without a crash, messages ${mode}`, async () => {
      assert.deepEqual((await matrix.run(mode)).state, matrix.clean.state);
    });

  for (const actor of actors)
    it(`comes to the same when it dies in the actor ${actor}`, async () => {
      const reached = matrix.clean.points.of(actor).map((it) => it.point);
      assert.deepEqual(reached.toSorted(), ACTOR_POINTS.toSorted(), "the story gives it something to do");
      await matrix.tryAll(actor);
    });

  for (const worker of workers)
    it(`comes to the same when it dies in the worker ${worker}`, async () => {
      const reached = matrix.clean.points.of(worker).map((it) => it.point);
      for (const point of WORKER_POINTS)
        assert.ok(reached.includes(point), "the story gives it something to do");
      await matrix.tryAll(worker);
    });

  if (only && !options.outboxes) return;
  it("comes to the same when it dies between a plain document and its message", async () => {
    const others = matrix.clean.points.names.filter((it) => !actors.includes(it) && !workers.includes(it));
    for (const it of options.outboxes ?? []) assert.ok(others.includes(it), `${others}`);
    for (const name of only ? (options.outboxes ?? []) : others) await matrix.tryAll(name);
  });
}

class CrashMatrix<W extends World> {
  readonly #options: CrashMatrixOptions<W>;
  readonly #seed = Number(process.env.MATRIX_SEED ?? 1);
  /** One for each kind of disturbance, so that two runs can be concurrent. */
  readonly #stores = new Map<Mode, EmbeddedMongo>();
  #dir = "";
  #last: Promise<unknown> = Promise.resolve();
  #runs = 0;
  #clean: Ran | undefined;

  constructor(options: CrashMatrixOptions<W>) {
    this.#options = options;
  }

  /** A run without a crash, with each message once and in order. */
  get clean(): Ran {
    if (!this.#clean) throw new Error("the matrix is not open");
    return this.#clean;
  }

  async open(): Promise<void> {
    const { shop } = this.#options;
    this.#dir = await mkdtemp(join(tmpdir(), "souk-matrix-"));
    for (const mode of MODES) {
      const store = await startEmbeddedMongo({ dir: join(this.#dir, mode), sync: "normal" });
      this.#stores.set(mode, store);
      const database = await connectDatabase(store.uri, silentLog);
      for (const { service } of shop.contracts)
        await migrateUp(
          database.service(service),
          await migrationsOf(shop.migrations[service]),
          "matrix",
          systemClock,
        );
      await database.close();
    }
    this.#clean = await this.run("in order");
  }

  async close(): Promise<void> {
    await this.#last;
    await Promise.all([...this.#stores.values()].map((it) => it.close()));
    await rm(this.#dir, { recursive: true, force: true });
  }

  /** Runs of a test that has failed or timed out end before those of the next one begin: they share the stores. */
  #alone<T>(runs: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(runs);
    this.#last = mine.catch(() => undefined);
    return mine;
  }

  run(mode: Mode): Promise<Ran> {
    return this.#alone(() => this.#run(mode));
  }

  async #run(mode: Mode, crash?: Crash): Promise<Ran> {
    const { uri = "" } = this.#stores.get(mode) ?? [...this.#stores.values()][0] ?? {};
    const seed = this.#seed + this.#runs++;
    const run = await MatrixRun.open(this.#options, { uri, mode, seed, ...(crash ? { crash } : {}) });
    try {
      const names = await this.#options.play(run);
      const state = await finalState(run, this.#options, names ?? new Map());
      assert.deepEqual(run.messages.buried, [], "no message is given up");
      return { state, points: run.points };
    } finally {
      await run.close();
    }
  }

  /**
   * Crashes at each crash point of an undisturbed run, at a random time, under one of the two kinds of disturbance. The
   * next seed takes the other one.
   */
  tryAll(name: string): Promise<void> {
    return this.#alone(() => this.#tryAll(name));
  }

  async #tryAll(name: string): Promise<void> {
    const random = seeded(this.#seed + name.length);
    const places = this.clean.points.of(name).map((it) => ({ ...it, name, chance: random() }));
    const ended = await Promise.allSettled(
      MODES.map(async (mode, turn) => {
        for (const [at, place] of places.entries())
          if ((at + this.#seed) % MODES.length === turn) await this.#tryOne(mode, place);
      }),
    );
    for (const it of ended) if (it.status === "rejected") throw it.reason;
  }

  async #tryOne(
    mode: Mode,
    { name, point, count, chance }: Place & { count: number; chance: number },
  ): Promise<void> {
    // Batches may be larger than in the undisturbed run, so that there are fewer of them.
    let nth = 1 + Math.floor(chance * Math.ceil(count / 2));
    let tried = await this.#run(mode, { name, point, nth });
    if (!tried.points.crashed) {
      nth = 1;
      tried = await this.#run(mode, { name, point, nth });
    }
    assert.ok(tried.points.crashed, `${name} comes to ${point}`);
    assert.deepEqual(tried.state, this.clean.state, `${name} dies ${point}, time ${nth}, messages ${mode}`);
  }
}
