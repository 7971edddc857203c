/**
 * Runs services on a simulated broker and a real embedded store, one node at a time. When a node crashes, another
 * takes its place, as after `kill -9`. Work in progress of the crashed node never continues.
 */

import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import { type CallingOptions, ServiceBroker } from "moleculer";
import type { Connection } from "mongoose";
import { Life } from "../../../broker/actor/testing/matrix/life.ts";
import { type Crash, Points } from "../../../broker/actor/testing/matrix/points.ts";
import { type Mode, StepBroker } from "../../../broker/actor/testing/matrix/step-broker.ts";
import { seeded } from "../../../broker/actor/testing/seeded.ts";
import { topologyOf } from "../../../broker/bus/topology.ts";
import type { CallMeta } from "../../../broker/contract/call-meta.ts";
import type {
  ActionName,
  DataIn,
  MessageType,
  ParamsIn,
  Returned,
} from "../../../broker/contract/contract.ts";
import { envelope } from "../../../broker/contract/envelope.ts";
import { errorCode } from "../../../broker/contract/errors.ts";
import { derivedId } from "../../../broker/contract/ids.ts";
import { brokerOptions } from "../../../broker/moleculer/broker-options.ts";
import { loadConfig } from "../../../broker/moleculer/config.ts";
import { type Extension, loadServices } from "../../../broker/moleculer/extension.ts";
import { createOperations } from "../../../broker/moleculer/operations/operations.ts";
import { connectDatabase, type Database } from "../../../broker/mongo/database.ts";
import type { Clock } from "../../../broker/resilience/clock.ts";
import { silentLog } from "../../../broker/resilience/silent-log.ts";
import { singleFlight } from "../../../broker/resilience/single-flight.ts";
import { memoryFiles } from "../memory-files.ts";

/**
 * Time of the shop's clock that a restart takes. Longer than leases, and than the age at which a sweep takes over.
 */
const RESTART_MS = 20_000;

/** For a run that is stuck, however slow the machine is. */
const STUCK_MS = 60_000;

/** Settings that turn seconds of waiting into milliseconds, and make two senders many. */
const QUICK = {
  inboxSenders: 1,
  pullAfterMs: 2,
  sweepAfterMs: 1_000,
  sweepEveryMs: 40,
  timersEveryMs: 40,
  outboxWaitMs: 10,
  stopMs: 10,
  settleMs: 5,
};

/** What exists beside the services, for example an emulated provider. */
export interface World {
  /** Variables of the services. */
  readonly environment?: Readonly<Record<string, string>>;
  close?(): Promise<void>;
}

export interface MatrixShop<W extends World = World> {
  /** Its services with a contract are in the run. Messages to other services are only recorded. */
  readonly shop: Extension;
  /** Made again for each run. */
  world?(run: { clock: Clock; seed: number }): Promise<W>;
}

export interface RunOptions {
  uri: string;
  mode: Mode;
  seed: number;
  crash?: Crash;
}

interface Node {
  life: Life;
  broker: ServiceBroker;
  died: Promise<typeof DIED>;
}
const DIED = Symbol("died");

export class MatrixRun<W extends World = World> {
  readonly points: Points;
  readonly messages: StepBroker;
  readonly mode: Mode;
  readonly world: W;
  readonly #shop: Extension;
  /** They outlive a node, as a disk does. */
  readonly #files = memoryFiles();
  readonly #uri: string;
  readonly #own: Database;
  readonly #deaths = new Map<Life, () => void>();
  /** Of crashed nodes: they have left their database. */
  readonly #ends: Promise<void>[] = [];
  readonly #time: { now: number };
  #node: Node | undefined;
  readonly #starting = singleFlight(() => this.#start());
  #watched: readonly Watched[] = [];
  #busy: Watched | undefined;

  private constructor(
    shop: Extension,
    { uri, mode, seed, crash }: RunOptions,
    { own, world, time }: { own: Database; world: W; time: { now: number } },
  ) {
    this.#shop = shop;
    this.#uri = uri;
    this.#own = own;
    this.#time = time;
    this.world = world;
    this.mode = mode;
    this.points = new Points(crash);
    this.messages = new StepBroker(topologyOf(shop.contracts), mode, seeded(seed), this.points, (life) =>
      this.#deaths.get(life)?.(),
    );
  }

  static async open<W extends World>(
    { shop, world: makeWorld }: MatrixShop<W>,
    options: RunOptions,
  ): Promise<MatrixRun<W>> {
    const time = { now: Date.now() };
    const own = await connectDatabase(options.uri, silentLog);
    const world = await makeWorld?.({ clock: { now: () => time.now }, seed: options.seed });
    const run = new MatrixRun(shop, options, { own, world: world ?? ({} as W), time });
    await run.#empty();
    return run;
  }

  /** Names of the services in the run. */
  get services(): string[] {
    return this.#shop.contracts.map((it) => it.service);
  }

  /** The databases, without a crash simulation. */
  database(service: string): Connection {
    return this.#own.service(service);
  }

  /** Moves the shop's clock ahead. */
  advance(ms: number): void {
    this.#time.now += ms;
  }

  /** A message from outside the run. Its id is derived from its content, so the same call sends the same message. */
  send<T extends MessageType>(type: T, subject: string, data: DataIn<T>): void {
    const id = derivedId("sent to the run", type, subject, JSON.stringify(data));
    this.messages.put(envelope(type, subject, data, { source: "/outside", at: this.#time.now, id }));
  }

  /** Calls an action until it answers, also on another node after a crash. */
  async call<N extends ActionName>(name: N, params: ParamsIn<N>, meta: CallMeta = {}): Promise<Returned<N>> {
    for (;;) {
      const node = await this.alive();
      const options: CallingOptions = { meta: { ...meta } };
      const answer = node.broker.call(name, params as object, options);
      const settled = answer.then(
        (value) => ({ value }),
        (error: unknown) => ({ error }),
      );
      const outcome = await Promise.race([settled, node.died]);
      if (outcome === DIED || node.life.isDead) continue;
      if ("value" in outcome) return outcome.value as Returned<N>;
      const code = errorCode(outcome.error);
      if (code !== "UNAVAILABLE" && code !== "IDEMPOTENCY_IN_PROGRESS") throw outcome.error;
      await sleep(5);
    }
  }

  /** Waits until nothing is in progress: no message in a queue or an outbox, no timer due. */
  async rest(): Promise<void> {
    const deadline = Date.now() + STUCK_MS;
    let quiet = 0;
    while (quiet < 2) {
      if (Date.now() > deadline) throw new Error(`the shop does not come to rest: ${await this.#left()}`);
      await this.alive();
      if (!this.messages.isEmpty) await this.messages.round();
      else if ((await this.#left()).length > 0) await sleep(5);
      else {
        quiet = this.messages.isEmpty ? quiet + 1 : 0;
        await nextTurn();
        continue;
      }
      quiet = 0;
    }
  }

  /** Ends it, also after a failure. Nothing of it writes to the databases after that: another run may use them. */
  async close(): Promise<void> {
    const node = await this.alive();
    await node.broker.stop();
    await Promise.all(this.#ends);
    await this.world.close?.();
    await this.#own.close();
  }

  /** The running node. A new one after a crash. */
  async alive(): Promise<Node> {
    if (this.#node && !this.#node.life.isDead) return this.#node;
    return this.#starting();
  }

  async #start(): Promise<Node> {
    if (this.#node) this.advance(RESTART_MS);
    const life = new Life();
    const given = {
      NODE_ENV: "test",
      NODE_ID: `matrix-${Math.random().toString(36).slice(2)}`,
      LOG_LEVEL: "fatal",
      METRICS: "off",
      ...this.world.environment,
    };
    const config = loadConfig(given, this.#shop.contracts);
    const broker = new ServiceBroker(brokerOptions(config));
    const database = await connectDatabase(this.#uri, silentLog);
    const died = new Promise<typeof DIED>((resolve) => {
      this.#deaths.set(life, () => {
        this.messages.lose(life);
        resolve(DIED);
        // None of its work in progress has an effect any more. Its loops are stopped, which nothing waits for.
        this.#ends.push(database.close());
        void this.#ends.at(-1)?.then(() => broker.stop());
      });
    });
    broker.souk = {
      config,
      shop: this.#shop,
      clock: { now: () => this.#time.now },
      bus: this.messages.node(life),
      database: database.service,
      // As in a shop that is one process: its memory dies with it.
      isSoleWriter: () => true,
      files: this.#files,
      pingDatabase: database.ping,
      operations: createOperations(),
      logger: () => silentLog,
      testing: {
        tuning: QUICK,
        crashPoints: (name) => async (point) => {
          if (this.messages.dies(life, { name, point })) await new Promise<never>(() => undefined);
        },
      },
    };
    for (const service of await loadServices(this.#shop, this.services)) broker.createService(service);
    await broker.start();
    this.#node = { life, broker, died };
    return this.#node;
  }

  /** Outboxes with entries, and due timers. */
  async #left(): Promise<string[]> {
    const busy = {
      $or: [{ "outbox.0": { $exists: true } }, { "timers.due": { $lte: new Date(this.#time.now) } }],
    };
    const look = async (it: Watched) => {
      const one = await this.database(it.service).collection(it.collection).findOne(busy);
      if (one) this.#busy = it;
      return one && `${it.collection} ${one._id}`;
    };
    // A busy one is mostly busy for some time, and then the others need no look.
    const still = this.#busy && (await look(this.#busy));
    if (still) return [still];
    const found = await Promise.all(this.#watched.map(look));
    return found.filter((it) => it !== null);
  }

  async #empty(): Promise<void> {
    const all = await Promise.all(this.services.map((it) => collectionsOf(this.database(it))));
    await Promise.all(
      all
        .flat()
        .map(({ name, collection }) => (name === "migrations" ? undefined : collection.deleteMany({}))),
    );
    this.#watched = await watchedIn(this.#own, this.#shop);
  }
}

interface Watched {
  service: string;
  collection: string;
}
/** The same in all stores and runs of a shop. */
const watched = new WeakMap<object, readonly Watched[]>();

/** Collections with outboxes or timers: those with an index for a sweep. */
async function watchedIn(database: Database, shop: Extension): Promise<readonly Watched[]> {
  const known = watched.get(shop);
  if (known) return known;
  const found: Watched[] = [];
  for (const { service } of shop.contracts)
    for (const { name, collection } of await collectionsOf(database.service(service)))
      if ((await collection.indexes()).some((it) => "outbox.at" in it.key || "timers.due" in it.key))
        found.push({ service, collection: name });
  watched.set(shop, found);
  return found;
}

export async function collectionsOf(db: Connection) {
  const all = await db.listCollections();
  return all.map(({ name }) => ({ name, collection: db.collection(name) }));
}
