/** From contracts to queues: names, routing keys and partitions. All pure functions. */
import {
  DEFAULT_PARTITIONS,
  formerTypes,
  kindOf,
  knownContracts,
  messageContract,
  type ServiceContract,
} from "../contract/contract.ts";
import type { Envelope } from "../contract/envelope.ts";
import { type MailboxSpec, type TapSpec, type Topology, UnroutableError, type WorkerSpec } from "./bus.ts";

/**
 * The queues that these contracts need.
 * @param variables of the environment, which say how much taps receive
 * @throws when a name is used twice, or one message type is received by actors with different partition counts
 */
export function topologyOf(
  contracts: readonly ServiceContract[],
  variables: Readonly<NodeJS.ProcessEnv> = {},
): Topology {
  const mailboxes: MailboxSpec[] = [];
  const workers: WorkerSpec[] = [];
  const taps: TapSpec[] = [];
  for (const contract of contracts) {
    for (const [actor, { receives, partitions = DEFAULT_PARTITIONS }] of Object.entries(contract.actors))
      mailboxes.push({ actor, partitions, receives });
    for (const [worker, { receives }] of Object.entries(contract.workers))
      workers.push({ service: contract.service, worker, receives });
    for (const [tap, it] of Object.entries(contract.taps ?? {})) {
      const receives = it.receives(variables);
      if (receives !== "off") taps.push({ service: contract.service, tap, receives });
    }
  }
  const topology = { mailboxes, workers, taps };
  checkTopology(topology);
  return topology;
}

function checkTopology({ mailboxes, workers, taps }: Topology): void {
  const names = new Set<string>();
  for (const name of [
    ...mailboxes.map((it) => it.actor),
    ...workers.map((it) => `${it.service}.${it.worker}`),
    ...taps.map((it) => `${it.service}.${it.tap}`),
  ]) {
    if (names.has(name)) throw new Error(`two queues would be named ${name}`);
    names.add(name);
  }
  const counts = new Map<string, MailboxSpec>();
  for (const mailbox of mailboxes) {
    if (!Number.isInteger(mailbox.partitions) || mailbox.partitions < 1)
      throw new Error(`actor ${mailbox.actor} has ${mailbox.partitions} partitions`);
    for (const type of mailbox.receives) {
      const other = counts.get(type);
      if (other && other.partitions !== mailbox.partitions)
        throw new Error(
          `${type} is received by actors with different partition counts: ` +
            `${other.actor} (${other.partitions}) and ${mailbox.actor} (${mailbox.partitions})`,
        );
      counts.set(type, mailbox);
    }
  }
}

/** Both topologies in one. The later spec of a queue replaces the earlier one. @throws like {@link topologyOf} */
export function mergeTopologies(first: Topology, second: Topology): Topology {
  const mailboxes = new Map([...first.mailboxes, ...second.mailboxes].map((it) => [it.actor, it]));
  const workers = new Map(
    [...first.workers, ...second.workers].map((it) => [`${it.service}.${it.worker}`, it]),
  );
  const taps = new Map([...first.taps, ...second.taps].map((it) => [tapName(it), it]));
  const merged = {
    mailboxes: [...mailboxes.values()],
    workers: [...workers.values()],
    taps: [...taps.values()],
  };
  checkTopology(merged);
  return merged;
}

/**
 * The partition of an actor id: FNV-1a over the UTF-16 code units, mixed so that the low bits depend on all of them.
 * It must never change. Senders of all versions must agree, and queues keep their messages over an upgrade.
 */
export function partitionOf(subject: string, partitions: number): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < subject.length; i++) {
    const unit = subject.charCodeAt(i);
    hash = Math.imul(hash ^ (unit & 0xff), 0x01000193);
    hash = Math.imul(hash ^ (unit >>> 8), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  hash ^= hash >>> 16;
  return (hash >>> 0) % partitions;
}

/** Names of queues without the prefix. The local bus and dead letters use them unchanged. */
export const mailboxName = (actor: string, partition: number): string => `${actor}.${partition}`;
export const workerName = (service: string, worker: string): string => `${service}.${worker}`;
export const tapName = ({ service, tap }: Pick<TapSpec, "service" | "tap">): string => `${service}.${tap}`;

/** Names on RabbitMQ. */
export const exchangeName = (prefix: string): string => prefix;
export const deadExchangeName = (prefix: string): string => `${prefix}.dead`;
/** Copies of messages for the taps. Publishers send to it beside the exchange of all messages. */
export const tapExchangeName = (prefix: string): string => `${prefix}.taps`;
export const queueName = (prefix: string, name: string): string => `${prefix}.${name}`;
export const deadQueueName = (queue: string): string => `${queue}.dead`;
export const routingKey = (type: string, partition: number): string => `${type}.${partition}`;

/** One queue of a topology: its name (without prefix) and its routing keys. */
export interface QueuePlan {
  readonly name: string;
  readonly bindings: readonly string[];
  readonly singleActiveConsumer: boolean;
  /** Its bindings are to the exchange of the taps. */
  readonly tap?: true;
}

/** Adds former names. Messages that were published under them may still be in transit. */
const withFormer = (receives: readonly string[]): string[] => [...receives, ...formerTypes(receives)];

export function queuesOf({ mailboxes, workers, taps }: Topology): QueuePlan[] {
  return [
    ...mailboxes.flatMap(({ actor, partitions, receives }) =>
      Array.from({ length: receives.length > 0 ? partitions : 0 }, (_, partition) => ({
        name: mailboxName(actor, partition),
        bindings: withFormer(receives).map((type) => routingKey(type, partition)),
        singleActiveConsumer: true,
      })),
    ),
    ...workers.map(({ service, worker, receives }) => ({
      name: workerName(service, worker),
      bindings: withFormer(receives).map((type) => `${type}.*`),
      singleActiveConsumer: false,
    })),
    ...taps.map((it) => ({
      name: tapName(it),
      bindings: TAP_LEVELS[it.receives],
      singleActiveConsumer: true,
      tap: true as const,
    })),
  ];
}

/** Routing keys of the taps' exchange. A publisher that knows no tap for a kind does not send it there. */
export const TAP_EVENT = "event";
export const TAP_OTHER = "other";
const TAP_LEVELS = { all: [TAP_EVENT, TAP_OTHER], events: [TAP_EVENT] } as const;

export interface Route {
  readonly partition: number;
  readonly mandatory: boolean;
  /** Other programs may have bound queues to it. */
  readonly isEvent: boolean;
}

/** Partition counts by received message type, from the contracts that this process knows and has declared. */
export class Routes {
  #declared: Topology = { mailboxes: [], workers: [], taps: [] };
  #contracts: readonly ServiceContract[] | undefined;
  #partitions = new Map<string, number>();

  get declared(): Topology {
    return this.#declared;
  }

  /** @throws like {@link topologyOf} */
  add(topology: Topology): void {
    this.#declared = mergeTopologies(this.#declared, topology);
    this.#contracts = undefined;
  }

  /** The declared taps that get a copy of it. */
  tapsOf(isEvent: boolean): readonly TapSpec[] {
    return isEvent ? this.#declared.taps : this.#declared.taps.filter((it) => it.receives === "all");
  }

  /** The partition of a message, or undefined where no mailbox receives its type. */
  partition({ type, subject }: Pick<Envelope, "type" | "subject">): number | undefined {
    const contracts = knownContracts();
    if (contracts !== this.#contracts) this.#build(contracts);
    const partitions = this.#partitions.get(type);
    return partitions === undefined ? undefined : partitionOf(subject, partitions);
  }

  /**
   * Where a message goes. A message that a known contract receives must find a queue. Any other event is published
   * too, for queues that others have bound. Without such a queue it is dropped.
   * @throws {UnroutableError} a command or reply that no known contract receives
   * @throws TypeError for a timer, which is private to its actor
   */
  route(message: Pick<Envelope, "type" | "subject">): Route {
    const partition = this.partition(message);
    const { type, subject } = message;
    if (partition !== undefined) return { partition, mandatory: true, isEvent: kindOf(type) === "event" };
    const { kind } = messageContract(type);
    if (kind === "timer") throw new TypeError(`${type} is a timer, and those are not published`);
    if (kind !== "event") throw new UnroutableError(`no known contract receives ${type}`);
    return { partition: partitionOf(subject, DEFAULT_PARTITIONS), mandatory: false, isEvent: true };
  }

  #build(contracts: readonly ServiceContract[]): void {
    const { mailboxes, workers } = mergeTopologies({ ...topologyOf(contracts), taps: [] }, this.#declared);
    this.#partitions = new Map();
    for (const { receives } of workers)
      for (const type of withFormer(receives)) this.#partitions.set(type, DEFAULT_PARTITIONS);
    for (const { receives, partitions } of mailboxes)
      for (const type of withFormer(receives)) this.#partitions.set(type, partitions);
    this.#contracts = contracts;
  }
}
