/**
 * A broker in memory with exactly RabbitMQ's guarantees. A confirmed message is in the queue. A mailbox partition
 * has one active consumer. Unacked messages come again. It may deliver twice and out of order.
 */

import type { Life } from "../../../../broker/actor/testing/matrix/life.ts";
import {
  type Bus,
  BusUnavailableError,
  type Delivery,
  type MailboxConsumption,
  type MailboxHandlers,
  newStats,
  UnroutableError,
} from "../../../../broker/bus/bus.ts";
import { partitionOf } from "../../../../broker/bus/topology.ts";
import { messageContract } from "../../../../broker/contract/contract.ts";
import { checkEnvelope, type Envelope } from "../../../../broker/contract/envelope.ts";

interface Actor {
  receives: readonly string[];
  queues: Queue[];
  seats: Seat[];
}

interface Seat {
  life: Life;
  actor: Actor;
  handlers: MailboxHandlers;
  held: Set<number>;
}

interface Queue {
  partition: number;
  waiting: Envelope[];
  taken: Map<object, Envelope>;
  active: Seat | undefined;
}

export interface SimBrokerOptions {
  delay: () => Promise<void>;
  /** True now and then: this message goes into the queue twice. */
  duplicate: () => boolean;
  /** Where in a queue of so many a message goes in; its length for in order. */
  position: (length: number) => number;
  /** True now and then: the publish fails, after or before the message is in the queue. */
  nack: () => "before" | "after" | undefined;
}

export class SimBroker {
  readonly buried: { message: Envelope; error: Error; attempts: number }[] = [];
  /** Every message put into a queue, in order. */
  readonly published: Envelope[] = [];
  /** Types that no queue takes, for a while. */
  readonly unroutable = new Set<string>();
  readonly #options: SimBrokerOptions;
  readonly #actors = new Map<string, Actor>();
  readonly #workers = new Map<string, (message: Envelope) => Promise<void>>();
  #working = 0;

  constructor(options: SimBrokerOptions) {
    this.#options = options;
  }

  actor(name: string, partitions: number, receives: readonly string[]): void {
    const queues = Array.from({ length: partitions }, (_, partition) => ({
      partition,
      waiting: [],
      taken: new Map(),
      active: undefined,
    }));
    this.#actors.set(name, { receives, queues, seats: [] });
  }

  worker(type: string, handle: (message: Envelope) => Promise<void>): void {
    this.#workers.set(type, handle);
  }

  get isEmpty(): boolean {
    return (
      this.#working === 0 && this.#queues().every((it) => it.waiting.length === 0 && it.taken.size === 0)
    );
  }

  /** The port as one node sees it. */
  node(life: Life): Bus {
    return {
      kind: "amqp",
      state: "connected",
      stats: newStats(),
      declare: async () => undefined,
      publish: async (message) => {
        await life.awake();
        const copy = JSON.parse(JSON.stringify(message)) as Envelope;
        await this.#options.delay();
        this.#put(copy);
        await this.#options.delay();
        await life.awake();
      },
      consumeMailboxes: async (spec, handlers) => {
        const actor = this.#actors.get(spec.actor);
        if (!actor) throw new Error(`no actor ${spec.actor}`);
        const seat: Seat = { life, actor, handlers: whenAwake(handlers, life), held: new Set<number>() };
        this.#sit(seat);
        return this.#consumption(seat);
      },
      consumeWorker: () => Promise.reject(new Error("workers are not nodes here")),
      recordsApplied: false,
      record: async () => undefined,
      consumeTap: () => Promise.reject(new Error("taps are not nodes here")),
      close: async () => undefined,
    };
  }

  /** The broker notices that the node does not answer. Its partitions and unacked messages go to others. */
  lose(life: Life): void {
    for (const actor of this.#actors.values())
      for (const seat of actor.seats.filter((it) => it.life === life)) this.#leave(seat);
    this.#deliverAll();
  }

  /** A node that was lost while frozen consumes again. */
  rejoin(seats: readonly Seat[]): void {
    for (const seat of seats) this.#sit(seat);
  }

  seatsOf(life: Life): readonly Seat[] {
    return [...this.#actors.values()].flatMap((it) => it.seats.filter((seat) => seat.life === life));
  }

  #consumption(seat: Seat): MailboxConsumption {
    const again = () => {
      this.#leave(seat);
      this.#deliverAll();
    };
    return {
      held: seat.held,
      handOver: async (partition, drain) => {
        await drain();
        const { actor } = seat;
        actor.seats = [...actor.seats.filter((it) => it !== seat), seat];
        const queue = actor.queues[partition];
        if (queue?.active === seat) this.#release(queue);
        this.#deliverAll();
      },
      stop: async (drain) => {
        await drain();
        again();
      },
    };
  }

  #sit(seat: Seat): void {
    const { seats, queues } = seat.actor;
    if (!seats.includes(seat)) seats.push(seat);
    // Partitions move to their preferred nodes without a hand-over, as when a connection is lost.
    for (const queue of queues)
      if (queue.active && queue.active !== seats[queue.partition % seats.length]) this.#release(queue);
    this.#deliverAll();
  }

  #leave(seat: Seat): void {
    seat.actor.seats = seat.actor.seats.filter((it) => it !== seat);
    for (const queue of seat.actor.queues) if (queue.active === seat) this.#release(queue);
  }

  #queues(): Queue[] {
    return [...this.#actors.values()].flatMap((it) => it.queues);
  }

  #put(message: Envelope): void {
    const nack = this.#options.nack();
    if (nack === "before") throw new BusUnavailableError("nacked");
    const takers = [...this.#actors.values()].filter((it) => it.receives.includes(message.type));
    const worker = this.#workers.get(message.type);
    const isCommand = messageContract(message.type).kind !== "event";
    if (this.unroutable.has(message.type) || (isCommand && takers.length === 0 && !worker))
      throw new UnroutableError(message.type);
    this.published.push(message);
    for (let copies = this.#options.duplicate() ? 2 : 1; copies > 0; copies--) {
      for (const { queues } of takers) {
        const queue = queues[partitionOf(message.subject, queues.length)];
        queue?.waiting.splice(this.#options.position(queue.waiting.length), 0, message);
      }
      if (worker) this.#work(worker, message);
    }
    this.#deliverAll();
    if (nack === "after") throw new BusUnavailableError("confirmed too late");
  }

  #work(handle: (message: Envelope) => Promise<void>, message: Envelope): void {
    this.#working++;
    const run = async () => {
      for (;;) {
        await this.#options.delay();
        try {
          await handle(message);
          break;
        } catch (error) {
          if (!(error instanceof BusUnavailableError)) throw error;
        }
      }
      this.#working--;
    };
    void run();
  }

  #release(queue: Queue): void {
    const { active } = queue;
    queue.active = undefined;
    queue.waiting.unshift(...queue.taken.values());
    queue.taken.clear();
    active?.held.delete(queue.partition);
    active?.handlers.onLost(queue.partition);
  }

  #deliverAll(): void {
    for (const { queues, seats } of this.#actors.values())
      for (const queue of queues) {
        queue.active ??= seats[queue.partition % seats.length];
        const { active } = queue;
        if (!active) continue;
        for (const message of queue.waiting.splice(0)) this.#deliver(queue, active, message);
      }
  }

  #deliver(queue: Queue, seat: Seat, message: Envelope): void {
    const tag = {};
    queue.taken.set(tag, message);
    seat.held.add(queue.partition);
    const settle = () => queue.taken.delete(tag);
    const delivery: Delivery = {
      message: checkEnvelope(message),
      partition: queue.partition,
      redelivered: false,
      ack: settle,
      dead: async (error, attempts) => {
        if (settle()) this.buried.push({ message, error, attempts });
      },
    };
    seat.handlers.onDelivery(delivery);
  }
}

/** Deliveries to a frozen node wait, in order, until it runs again. */
function whenAwake(handlers: MailboxHandlers, life: Life): MailboxHandlers {
  let told: Promise<void> = Promise.resolve();
  const tell = (what: () => void) => {
    told = told.then(() => life.awake()).then(what);
  };
  return {
    onDelivery: (delivery) => tell(() => handlers.onDelivery(delivery)),
    onLost: (partition) => tell(() => handlers.onLost(partition)),
  };
}
