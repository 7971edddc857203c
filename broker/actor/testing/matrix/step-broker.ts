/**
 * A broker in memory that delivers messages in rounds, so that a seed decides their order. It guarantees exactly
 * what RabbitMQ guarantees. A confirmed message is in the queue. Unacked messages of a crashed consumer come again,
 * first.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { setImmediate as nextTurn } from "node:timers/promises";
import {
  type Bus,
  type Consumption,
  type Delivery,
  type MailboxHandlers,
  newStats,
  type Topology,
} from "../../../bus/bus.ts";
import { mailboxName, queuesOf, Routes, routingKey, tapName, workerName } from "../../../bus/topology.ts";
import { kindOf } from "../../../contract/contract.ts";
import { checkEnvelope, type Envelope } from "../../../contract/envelope.ts";
import { attempt } from "../../../resilience/retry.ts";
import type { Life } from "./life.ts";
import type { Place, Points } from "./points.ts";

export type Mode = "in order" | "duplicated" | "shuffled";

interface Seat {
  life: Life;
  over: AbortController;
  take(message: Envelope, taken: Taken): void;
}

interface Queue {
  name: string;
  keys: ReadonlySet<string> | undefined;
  types: Pick<ReadonlySet<string>, "has"> | undefined;
  /** It gets a copy of every event, in order. */
  isTap: boolean;
  waiting: Envelope[];
  seat: Seat | undefined;
}

interface Taken {
  queue: Queue;
  seat: Seat;
  message: Envelope;
}

/** For a handler that is stuck, however slow the machine is. */
const STUCK_MS = 60_000;

const EVENTS = { has: (type: string) => kindOf(type) === "event" };

/** The publisher of a message, where it is no actor. Actors are named in the message. */
const working = new AsyncLocalStorage<Place["name"]>();
const never = () => new Promise<never>(() => undefined);

export class StepBroker {
  /** Messages that no queue takes, by id: for services that are not in the run. */
  readonly left = new Map<string, Envelope>();
  readonly buried: { queue: string; message: Envelope; error: Error }[] = [];
  readonly #mode: Mode;
  readonly #random: () => number;
  readonly #points: Points;
  readonly #onCrash: (life: Life) => void;
  readonly #routes = new Routes();
  readonly #queues: Queue[] = [];
  readonly #taken = new Set<Taken>();
  /** Duplicates, which are delivered later than the originals. */
  #copies: { queue: Queue; message: Envelope }[] = [];

  constructor(
    topology: Topology,
    mode: Mode,
    random: () => number,
    points: Points,
    onCrash: (life: Life) => void,
  ) {
    this.#mode = mode;
    this.#random = random;
    this.#points = points;
    this.#onCrash = onCrash;
    this.#routes.add(topology);
    const workers = new Map(topology.workers.map((it) => [workerName(it.service, it.worker), it.receives]));
    // A log of all messages would differ between runs, so that only taps of events are part of them.
    const taps = topology.taps.filter((it) => it.receives === "events").map(tapName);
    for (const { name, bindings } of queuesOf(topology)) {
      const types = workers.get(name);
      const isTap = taps.includes(name);
      this.#queues.push({
        name,
        keys: types || isTap ? undefined : new Set(bindings),
        types: isTap ? EVENTS : types && new Set(types),
        isTap,
        waiting: [],
        seat: undefined,
      });
    }
  }

  /** The bus as one node sees it. */
  node(life: Life): Bus {
    return {
      kind: "amqp",
      state: "connected",
      stats: newStats(),
      declare: async () => undefined,
      close: async () => undefined,
      publish: (message) => this.#publish(life, message),
      recordsApplied: false,
      record: async () => undefined,
      consumeTap: async (spec, handle): Promise<Consumption> => {
        if (spec.receives !== "events") return { stop: async (drain) => drain() };
        const name = tapName(spec);
        let last = Promise.resolve();
        const stop = this.#sit(name, life, (message, taken) => {
          const work = () =>
            this.#work(life, name, message, taken, (it) => handle([{ message: it, applied: false }]));
          last = last.then(work);
        });
        return { stop: async () => stop() };
      },
      consumeMailboxes: async (spec, handlers) => {
        const stops: (() => void)[] = [];
        for (let partition = 0; partition < spec.partitions; partition++)
          stops.push(this.#sit(mailboxName(spec.actor, partition), life, mailbox(handlers, partition, this)));
        return {
          held: new Set<number>(),
          handOver: async (_partition, drain) => drain(),
          stop: async (drain) => {
            await drain();
            for (const it of stops) it();
          },
        };
      },
      consumeWorker: async ({ service, worker }, handle): Promise<Consumption> => {
        const name = workerName(service, worker);
        const stop = this.#sit(name, life, (message, taken) => {
          void this.#work(life, name, message, taken, handle);
        });
        return { stop: async () => stop() };
      },
    };
  }

  /** A message from a service that is not in the run. */
  put(message: Envelope): void {
    this.#put(JSON.parse(JSON.stringify(message)) as Envelope);
  }

  /** True where the node crashes at this place. The caller stops then. */
  dies(life: Life, place: Place): boolean {
    if (life.isDead) return true;
    if (!this.#points.reached(place)) return false;
    life.kill();
    this.#onCrash(life);
    return true;
  }

  /** Redelivers what the crashed node has not acked, in order, before waiting messages. */
  lose(life: Life): void {
    for (const queue of this.#queues) {
      if (queue.seat?.life !== life) continue;
      queue.seat.over.abort();
      queue.seat = undefined;
      const back = [...this.#taken].filter((it) => it.queue === queue);
      for (const it of back) this.#taken.delete(it);
      queue.waiting.unshift(...back.map((it) => it.message));
    }
  }

  settle(taken: Taken): void {
    this.#taken.delete(taken);
  }

  get isEmpty(): boolean {
    return this.#taken.size === 0 && this.#queues.every((it) => it.waiting.length === 0);
  }

  /** Puts all remaining duplicates into their queues. */
  releaseCopies(): void {
    for (const { queue, message } of this.#copies.splice(0)) queue.waiting.push(message);
  }

  /** Delivers the messages of this round. Resolves when all of them are settled, or their node has crashed. */
  async round(): Promise<void> {
    this.#mixIn();
    const batches = this.#queues.flatMap((queue) => (queue.seat ? this.#groups(queue) : []));
    this.#shuffle(batches);
    const postponed = this.#mode === "shuffled" ? batches.filter(() => this.#random() < 0.3) : [];
    const now = postponed.length < batches.length ? batches.filter((it) => !postponed.includes(it)) : batches;
    for (const { queue, messages } of now)
      for (const message of messages) {
        const { seat } = queue;
        if (!seat) break;
        queue.waiting.splice(queue.waiting.indexOf(message), 1);
        const taken = { queue, seat, message };
        this.#taken.add(taken);
        seat.take(message, taken);
      }
    const deadline = Date.now() + STUCK_MS;
    while (this.#taken.size > 0) {
      if (Date.now() > deadline) throw new Error(`never settled: ${[...this.#taken].map(describe)}`);
      await nextTurn();
    }
  }

  async #publish(life: Life, message: Envelope): Promise<void> {
    const { sender, source } = message;
    // An actor's relay has its own places. Answers of an actor without a document count as the actor's too.
    const name = sender ? undefined : (working.getStore() ?? `outbox of ${source}`);
    if (life.isDead || (name && this.dies(life, { name, point: "before-publish" }))) return never();
    this.#put(JSON.parse(JSON.stringify(message)) as Envelope);
    if (name && this.dies(life, { name, point: "after-publish" })) return never();
    await nextTurn();
    if (life.isDead || (name && this.dies(life, { name, point: "after-confirm" }))) return never();
  }

  #put(message: Envelope): void {
    const partition = this.#routes.partition(message);
    const key = partition === undefined ? "" : routingKey(message.type, partition);
    const takers = this.#queues.filter((it) => it.keys?.has(key) || it.types?.has(message.type));
    for (const queue of takers) {
      queue.waiting.push(message);
      if (this.#mode === "duplicated") this.#copies.push({ queue, message });
    }
    if (takers.every((it) => it.isTap)) this.left.set(message.id, message);
  }

  /** Duplicates follow some rounds after their originals, a few at the very end. */
  #mixIn(): void {
    this.#copies = this.#copies.filter(({ queue, message }) => {
      const late = Number.parseInt(message.id.slice(-2), 16) < 32;
      if (late || this.#random() < 0.5) return true;
      queue.waiting.push(message);
      return false;
    });
  }

  /** A mailbox keeps the order of messages to one actor, a tap that of all. Workers keep no order. */
  #groups(queue: Queue): { queue: Queue; messages: Envelope[] }[] {
    const groups = new Map<string, Envelope[]>();
    for (const [i, message] of queue.waiting.entries()) {
      const key = queue.isTap ? "" : queue.keys ? message.subject : String(i);
      groups.set(key, [...(groups.get(key) ?? []), message]);
    }
    return [...groups.values()].map((messages) => ({ queue, messages }));
  }

  #shuffle<T>(items: T[]): void {
    if (this.#mode === "in order") return;
    for (let i = items.length - 1; i > 0; i--) {
      const j = Math.floor(this.#random() * (i + 1));
      [items[i], items[j]] = [items[j] as T, items[i] as T];
    }
  }

  #sit(name: string, life: Life, take: Seat["take"]): () => void {
    const queue = this.#queues.find((it) => it.name === name);
    if (!queue) throw new Error(`no queue ${name}`);
    const seat: Seat = { life, over: new AbortController(), take };
    queue.seat = seat;
    return () => {
      seat.over.abort();
      if (queue.seat === seat) queue.seat = undefined;
    };
  }

  async #work(
    life: Life,
    name: string,
    message: Envelope,
    taken: Taken,
    handle: (message: Envelope) => Promise<void>,
  ): Promise<void> {
    if (this.dies(life, { name, point: "before-work" })) return;
    const run = () => working.run(name, () => handle(checkEnvelope(message)));
    const outcome = await attempt(run, taken.seat.over.signal, () => undefined);
    if (outcome.kind === "abandoned" || this.dies(life, { name, point: "before-ack" })) return;
    if (outcome.kind === "dead") this.buried.push({ queue: taken.queue.name, message, error: outcome.error });
    this.settle(taken);
  }
}

const describe = ({ queue, message }: Taken): string => `${message.type} in ${queue.name}`;

function mailbox(handlers: MailboxHandlers, partition: number, broker: StepBroker): Seat["take"] {
  return (message, taken) => {
    const { life } = taken.seat;
    const delivery: Delivery = {
      message: checkEnvelope(message),
      partition,
      redelivered: false,
      ack: () => {
        if (!life.isDead) broker.settle(taken);
      },
      dead: async (error) => {
        if (life.isDead) return;
        broker.buried.push({ queue: taken.queue.name, message, error });
        broker.settle(taken);
      },
    };
    const [actor = ""] = taken.queue.name.split(".");
    working.run(`answers of ${actor}`, () => handlers.onDelivery(delivery));
  };
}
