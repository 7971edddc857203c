/**
 * The shop's own services on a simulated broker and a real embedded store, one node at a time: when that dies, another
 * one takes its place, as after `kill -9`. What was on its way in the dead one never comes back.
 */

import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import { type CallingOptions, ServiceBroker } from "moleculer";
import type { Connection } from "mongoose";
import { topologyOf } from "../../../../../broker/bus/topology.ts";
import type { CallMeta } from "../../../../../broker/contract/call-meta.ts";
import type { ActionName, ParamsIn, Returned } from "../../../../../broker/contract/contract.ts";
import { errorCode } from "../../../../../broker/contract/errors.ts";
import { brokerOptions } from "../../../../../broker/moleculer/broker-options.ts";
import { loadConfig } from "../../../../../broker/moleculer/config.ts";
import { loadServices, serviceNames } from "../../../../../broker/moleculer/extension.ts";
import { createOperations } from "../../../../../broker/moleculer/operations/operations.ts";
import { connectDatabase, type Database } from "../../../../../broker/mongo/database.ts";
import core from "../../../../../services/index.ts";
import type { Emulator, StartEmulator } from "../../../../../services/payments/providers/emulator.ts";
import { startStripe } from "../../../../../services/payments/providers/stripe/emulator/stripe.ts";
import { seededRandom } from "../../../../../services/payments/providers/support/emulator/random.ts";
import { startXendit } from "../../../../../services/payments/providers/xendit/emulator/xendit.ts";
import { silentLog } from "../../../../support/silent-log.ts";
import { openWebhookFront, type Received, type WebhookFront } from "../../../../support/webhook-front.ts";
import { Life } from "../life.ts";
import { seeded } from "../sim-shop.ts";
import { type Crash, Points } from "./points.ts";
import { type Mode, StepBroker } from "./step-broker.ts";

/** Time to pay, in the shop's own time. Shorter than a webhook's signature is good for. */
export const ORDER_TTL_MS = 120_000;
/** What a new start takes in the shop's own time: longer than leases and than what a sweep leaves to others. */
const RESTART_MS = 20_000;

/** Figures that make seconds of waiting milliseconds, and two senders many. */
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

/** One whose webhooks prove nothing, so that it is asked; one whose money is taken when the customer has agreed. */
const EMULATORS: Record<string, StartEmulator> = { xendit: startXendit, stripe: startStripe };

interface Surroundings {
  own: Database;
  front: WebhookFront;
  emulators: ReadonlyMap<string, Emulator>;
  /** The shop's and its providers' own. */
  time: { now: number };
}

interface Node {
  life: Life;
  broker: ServiceBroker;
  died: Promise<typeof DIED>;
}
const DIED = Symbol("died");

export interface RunOptions {
  uri: string;
  mode: Mode;
  seed: number;
  crash?: Crash;
}

export class ShopRun {
  readonly points: Points;
  readonly messages: StepBroker;
  readonly front: WebhookFront;
  /** Beside the sandbox, which is in the shop. */
  readonly emulators: ReadonlyMap<string, Emulator>;
  readonly mode: Mode;
  readonly #uri: string;
  readonly #own: Database;
  readonly #deaths = new Map<Life, () => void>();
  readonly #time: { now: number };
  #node: Node | undefined;
  #starting: Promise<Node> | undefined;
  #watched: readonly Watched[] = [];

  private constructor({ uri, mode, seed, crash }: RunOptions, { own, front, emulators, time }: Surroundings) {
    this.#uri = uri;
    this.#own = own;
    this.#time = time;
    this.front = front;
    this.emulators = emulators;
    this.mode = mode;
    this.points = new Points(crash);
    this.messages = new StepBroker(topologyOf(core.contracts), mode, seeded(seed), this.points, (life) =>
      this.#deaths.get(life)?.(),
    );
  }

  static async open(options: RunOptions): Promise<ShopRun> {
    const time = { now: Date.now() };
    const [own, front] = await Promise.all([connectDatabase(options.uri, silentLog), openWebhookFront()]);
    const emulators = new Map<string, Emulator>();
    for (const [name, start] of Object.entries(EMULATORS))
      emulators.set(
        name,
        await start({
          port: 0,
          webhookUrl: () => `${front.url}/api/v1/payments/webhooks/${name}`,
          timeScale: 1,
          clock: { now: () => time.now },
          random: seededRandom(options.seed),
        }),
      );
    const run = new ShopRun(options, { own, front, emulators, time });
    await run.#empty();
    return run;
  }

  /** The databases as anybody sees them. */
  database(service: string): Connection {
    return this.#own.service(service);
  }

  /** Moves the shop's time ahead. */
  advance(ms: number): void {
    this.#time.now += ms;
  }

  /** Calls an action as a client with retries does: again, of whoever is there then, when no answer comes. */
  async call<N extends ActionName>(name: N, params: ParamsIn<N>, meta: CallMeta = {}): Promise<Returned<N>> {
    for (;;) {
      const node = await this.#alive();
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

  /** Waits for the provider's first report of each of these payments, and keeps it: passing it on is the caller's. */
  async reports(refs: readonly string[]): Promise<Received[]> {
    const deadline = Date.now() + 10_000;
    for (;;) {
      // A new node's sandbox may say again what the dead one said.
      const found = refs.map((ref) =>
        this.front.received.find((it) => Buffer.from(it.body, "base64").includes(ref)),
      );
      if (found.every((it) => it !== undefined)) return found;
      if (Date.now() > deadline) throw new Error("a provider does not report");
      await this.#alive();
      await sleep(2);
    }
  }

  /** Until nothing is under way: no message in a queue or an outbox, no timer due. */
  async rest(): Promise<void> {
    const deadline = Date.now() + 20_000;
    let quiet = 0;
    while (quiet < 2) {
      if (Date.now() > deadline) throw new Error(`the shop does not come to rest: ${await this.#left()}`);
      await this.#alive();
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

  async close(): Promise<void> {
    const node = await this.#alive();
    await node.broker.stop();
    await Promise.all([...this.emulators.values()].map((it) => it.close()));
    await this.front.close();
    await this.#own.close();
  }

  async #alive(): Promise<Node> {
    if (this.#node && !this.#node.life.isDead) return this.#node;
    this.#starting ??= this.#start().finally(() => {
      this.#starting = undefined;
    });
    return this.#starting;
  }

  async #start(): Promise<Node> {
    if (this.#node) this.advance(RESTART_MS);
    const life = new Life();
    const config = loadConfig({
      NODE_ENV: "test",
      NODE_ID: `matrix-${Math.random().toString(36).slice(2)}`,
      LOG_LEVEL: "fatal",
      METRICS: "off",
      ORDER_TTL: `${ORDER_TTL_MS / 1_000}s`,
      // The script says when the provider reports; asking it would make that another story.
      RECONCILE_FIRST: "365d",
      RECONCILE_MAX: "365d",
      PUBLIC_URL: this.front.url,
      SANDBOX_WEBHOOK_SECRET: "a secret of the sandbox, long enough",
      ...Object.assign({}, ...[...this.emulators.values()].map((it) => it.environment)),
      STRIPE_CAPTURE: "manual",
    });
    const broker = new ServiceBroker(brokerOptions(config));
    const database = await connectDatabase(this.#uri, silentLog);
    const died = new Promise<typeof DIED>((resolve) => {
      this.#deaths.set(life, () => {
        this.messages.lose(life);
        resolve(DIED);
        // Nothing that it still has in mind reaches the outside; then its loops are ended, which nobody waits for.
        void database.close().then(() => broker.stop());
      });
    });
    broker.souk = {
      contracts: core.contracts,
      config,
      clock: { now: () => this.#time.now },
      bus: this.messages.node(life),
      database: database.service,
      pingDatabase: database.ping,
      operations: createOperations(),
      logger: () => silentLog,
      trial: {
        tuning: QUICK,
        faults: (name) => async (point) => {
          if (this.messages.dies(life, { name, point })) await new Promise<never>(() => undefined);
        },
      },
    };
    for (const service of await loadServices(core, SERVICES)) broker.createService(service);
    await broker.start();
    this.#node = { life, broker, died };
    return this.#node;
  }

  /** Outboxes with something in them, and timers that are due. */
  async #left(): Promise<string[]> {
    const busy = {
      $or: [{ "outbox.0": { $exists: true } }, { "timers.due": { $lte: new Date(this.#time.now) } }],
    };
    const found = await Promise.all(
      this.#watched.map(async ({ service, collection }) => {
        const one = await this.database(service).collection(collection).findOne(busy);
        return one && `${collection} ${one._id}`;
      }),
    );
    return found.filter((it) => it !== null);
  }

  async #empty(): Promise<void> {
    const all = await Promise.all(SERVICES.map((it) => collectionsOf(this.database(it))));
    await Promise.all(
      all
        .flat()
        .map(({ name, collection }) => (name === "migrations" ? undefined : collection.deleteMany({}))),
    );
    this.#watched = watched ??= await watchedIn(this.#own);
  }
}

interface Watched {
  service: string;
  collection: string;
}
/** The same in all stores. */
let watched: readonly Watched[] | undefined;

/** Collections with outboxes or timers: those with an index for a sweep. */
async function watchedIn(database: Database): Promise<Watched[]> {
  const found: Watched[] = [];
  for (const service of SERVICES)
    for (const { name, collection } of await collectionsOf(database.service(service)))
      if ((await collection.indexes()).some((it) => "outbox.at" in it.key || "timers.due" in it.key))
        found.push({ service, collection: name });
  return found;
}

/** All that have work to do; what the gateway does is tried elsewhere. */
export const SERVICES: readonly string[] = serviceNames(core).filter((it) => it !== "api");

export async function collectionsOf(db: Connection) {
  const all = await db.listCollections();
  return all.map(({ name }) => ({ name, collection: db.collection(name) }));
}
