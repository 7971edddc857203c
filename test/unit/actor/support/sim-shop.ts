/** The toy shop on simulated nodes, store and broker: many interleavings in little time. */

import assert from "node:assert/strict";
import { setImmediate as nextTurn } from "node:timers/promises";
import { ServiceBroker } from "moleculer";
import type { Model } from "mongoose";
import { createActorHost } from "../../../../broker/actor/runtime/actor-host.ts";
import type { CrashPoints } from "../../../../broker/actor/runtime/crash-points.ts";
import type { ActorDocument, ActorHost } from "../../../../broker/actor/runtime/document/actor-host.types.ts";
import { Life } from "../../../../broker/actor/testing/matrix/life.ts";
import { seeded } from "../../../../broker/actor/testing/seeded.ts";
import { type Envelope, envelope } from "../../../../broker/contract/envelope.ts";
import { derivedId } from "../../../../broker/contract/ids.ts";
import { loadConfig } from "../../../../broker/moleculer/config.ts";
import { extend } from "../../../../broker/moleculer/extension.ts";
import { createOperations } from "../../../../broker/moleculer/operations/operations.ts";
import type { NodeRuntime } from "../../../../broker/moleculer/runtime.ts";
import { systemClock } from "../../../../broker/resilience/clock.ts";
import { silentLog } from "../../../../broker/resilience/silent-log.ts";
import { eventually } from "../../../../souk/testing/eventually.ts";
import { memoryFiles } from "../../../../souk/testing/memory-files.ts";
import { standIn } from "../../../support/stand-in.ts";
import { SimBroker } from "./sim-broker.ts";
import { SimStore } from "./sim-store.ts";
import {
  held,
  type OrderMessages,
  type OrderState,
  type StockMessages,
  type StockState,
  toy,
  toyOrder,
  toyStock,
} from "./toy.ts";

export interface SimNode {
  life: Life;
  orders: ActorHost<OrderState, OrderMessages>;
  stock: ActorHost<StockState, StockMessages>;
  stop(): Promise<void>;
}

export interface Trouble {
  /** Chances from 0 to 1. */
  duplicates: number;
  reordering: number;
  nacks: number;
  storeFailures: number;
}

/** Settings that turn minutes of waiting into milliseconds, and make two senders many. */
const QUICK = {
  inboxSenders: 1,
  pullAfterMs: 6,
  sweepAfterMs: 60,
  sweepEveryMs: 40,
  timersEveryMs: 20,
  outboxWaitMs: 20,
  inlineMs: 10_000,
  stopMs: 1_000,
};

export class SimShop {
  readonly broker: SimBroker;
  readonly stores: Record<"orders" | "stock", SimStore & { archive: SimStore }>;
  readonly nodes: SimNode[] = [];
  readonly #random: () => number;
  #calm = false;
  #names = 0;

  constructor(seed: number, trouble: Trouble) {
    this.#random = seeded(seed);
    const chance = (p: number) => !this.#calm && this.#random() < p;
    const when = (p: number) =>
      (chance(p) ? (chance(0.5) ? "before" : "after") : undefined) as "before" | "after" | undefined;
    const delay = async () => {
      for (let turns = Math.floor(this.#random() * 4); turns > 0; turns--) await nextTurn();
    };
    this.broker = new SimBroker({
      delay,
      duplicate: () => chance(trouble.duplicates),
      position: (length) => (chance(trouble.reordering) ? Math.floor(this.#random() * (length + 1)) : length),
      nack: () => when(trouble.nacks),
    });
    const { toyorder, toystock } = toy.actors;
    this.broker.actor("toyorder", toyorder.partitions ?? 4, toyorder.receives);
    this.broker.actor("toystock", toystock.partitions ?? 4, toystock.receives);
    const till = this.broker.node(new Life());
    this.broker.worker("toy.pay", (message) => {
      const { orderId } = message.data as { orderId: string };
      const id = derivedId(message.id, "toy.captured");
      return till.publish(
        envelope("toy.captured", orderId, {}, { source: "/toy", at: Date.now(), id, cause: message }),
      );
    });
    const fail = () => when(trouble.storeFailures);
    const store = () =>
      Object.assign(new SimStore({ delay, fail }), { archive: new SimStore({ delay, fail }) });
    this.stores = { orders: store(), stock: store() };
  }

  /** Starts a node. @param crashPoints made with its life, so that a fault can end it */
  async start(crashPoints?: (life: Life) => CrashPoints): Promise<SimNode> {
    const life = new Life();
    const bus = this.broker.node(life);
    const broker = new ServiceBroker({ logger: false, nodeID: `sim-${++this.#names}` });
    const runtime: NodeRuntime = {
      shop: extend({ name: "test" }),
      config: loadConfig({ NODE_ENV: "test" }),
      clock: systemClock,
      bus,
      database: () => assert.fail("the simulation has no connection"),
      isSoleWriter: () => false,
      files: memoryFiles(),
      pingDatabase: async () => undefined,
      operations: createOperations(),
      logger: () => silentLog,
    };
    const hook = crashPoints?.(life);
    const common = { runtime, broker, tuning: QUICK, partitions: 4, ...(hook ? { crashPoints: hook } : {}) };
    const orders = createActorHost({
      ...common,
      definition: toyOrder,
      model: modelOn<OrderState>(this.stores.orders, life),
    });
    const stock = createActorHost({
      ...common,
      definition: toyStock,
      model: modelOn<StockState>(this.stores.stock, life),
    });
    await broker.start();
    await orders.start();
    await stock.start();
    const stop = async () => {
      await Promise.all([orders.stop(), stock.stop()]);
      await broker.stop();
    };
    const node = { life, orders, stock, stop };
    this.nodes.push(node);
    return node;
  }

  /** The process has ended. The broker notices a little later. */
  async crash(node: Pick<SimNode, "life">): Promise<void> {
    node.life.kill();
    await nextTurn();
    this.broker.lose(node.life);
  }

  /** Stops all disturbances, so that the shop can become idle. */
  calmDown(): void {
    this.#calm = true;
  }

  orders(): ActorDocument<OrderState>[] {
    return this.stores.orders.all();
  }

  stock(): ActorDocument<StockState>[] {
    return this.stores.stock.all();
  }

  /**
   * Waits until nothing is in progress. Then all orders have ended, no message is in a queue or an outbox, and no
   * timer is set.
   */
  async rest(orders: number): Promise<void> {
    this.calmDown();
    await eventually(
      "the shop comes to rest",
      () => {
        const all = [...this.orders(), ...this.stock()];
        return (
          this.orders().length === orders &&
          this.orders().every((it) => it.state.status !== "placed" && it.state.status !== "paying") &&
          all.every((it) => it.outbox.length === 0 && it.timers.length === 0) &&
          this.broker.isEmpty
        );
      },
      15_000,
    );
  }

  /** Every unit is accounted for: nothing oversold, held on or taken twice. */
  check(onHand: Record<string, number>): void {
    const sold: Record<string, number> = {};
    for (const { state } of this.orders())
      if (state.status === "paid")
        for (const [sku, line] of Object.entries(state.lines)) sold[sku] = (sold[sku] ?? 0) + line.quantity;
    for (const { _id: sku, state } of this.stock()) {
      assert.equal(held(state), 0, `${sku} is still held for ${Object.keys(state.holds)}`);
      assert.equal(state.onHand, (onHand[sku] ?? 0) - (sold[sku] ?? 0), `units of ${sku}`);
    }
    const ended: Record<string, number> = {};
    for (const message of new Map(this.broker.published.map((it) => [it.id, it])).values())
      if (message.type === "toy.done") ended[message.subject] = (ended[message.subject] ?? 0) + 1;
    for (const { _id } of this.orders())
      assert.equal(ended[_id], 1, `order ${_id} says once that it has ended`);
  }

  async close(): Promise<void> {
    await Promise.all(this.nodes.filter((it) => !it.life.isDead).map((it) => it.stop()));
  }
}

const ACTORS = "actors";

function modelOn<S extends object>(
  store: SimStore & { archive: SimStore },
  life: Life,
): Model<ActorDocument<S>> {
  // Of the model the runtime uses the collection and that of the archive, nothing else.
  const collections = { actors: store.collection(life), archive: store.archive.collection(life) };
  const db = { collection: (name: string) => (name === ACTORS ? collections.actors : collections.archive) };
  return standIn({ collection: { name: ACTORS }, db });
}

export type { Envelope };
