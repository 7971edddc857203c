/**
 * Which node should consume which partition: balanced rendezvous hashing over the nodes of the actor's service. All
 * nodes compute the same result without communication. It serves balance only. RabbitMQ's single active consumer
 * decides the real owner.
 */
import { randomBytes } from "node:crypto";
import type { MailboxConsumption } from "../../../bus/bus.ts";
import { partitionOf } from "../../../bus/topology.ts";
import { within } from "../../../resilience/deadline.ts";

const SPREAD = 0x1_0000_0000;

/**
 * The preferred node of each partition: rendezvous hashing with bounded loads. Pairs of node and partition are taken
 * by descending weight, until nodes are full. P mod N nodes get one partition more than the others. All callers with
 * the same nodes get the same result, in any order of nodes. When a node joins or leaves, few others move.
 * @returns by partition; empty without nodes
 */
export function preferredNodes(nodes: readonly string[], actor: string, partitions: number): string[] {
  const names = [...new Set(nodes)].sort();
  if (names.length === 0) return [];
  const pairs = Array.from({ length: partitions }, (_, partition) =>
    names.map((node) => ({
      node,
      partition,
      weight: partitionOf(`${actor}/${partition}@${node}`, SPREAD),
    })),
  ).flat();
  // The sort is stable, so equal weights keep the order of partitions and names.
  pairs.sort((a, b) => b.weight - a.weight);
  const share = Math.floor(partitions / names.length);
  let more = partitions % names.length;
  const loads = new Map(names.map((node) => [node, 0]));
  const owners: string[] = [];
  for (const { node, partition } of pairs) {
    const load = loads.get(node) ?? 0;
    if (owners[partition] !== undefined || load > share || (load === share && more === 0)) continue;
    if (load === share) more--;
    loads.set(node, load + 1);
    owners[partition] = node;
  }
  return owners;
}

/** A node that consumes the actor's mailboxes. */
export interface ConsumerNode {
  id: string;
  /**
   * By partition: identifies the node's present place in the line of consumers. It changes when the node has lost
   * that place and joined the line again. Undefined for nodes of versions that do not announce it.
   */
  places?: readonly string[] | undefined;
}

export interface OwnersOptions {
  actor: string;
  partitions: number;
  /** This node. */
  nodeId: string;
  /** Live nodes that consume the actor's mailboxes, including this one. */
  nodes(): readonly ConsumerNode[];
  settleMs: number;
  /**
   * How long a partition stays here that was handed over and came back. The preferred node may have crashed without
   * the registry knowing it yet. Milliseconds.
   */
  againMs: number;
  /** Hands a partition over in order. Resolves when another node may have it. */
  handOver(partition: number): Promise<void>;
  consumption(): MailboxConsumption | undefined;
  /** Publishes this node's places in the lines to the other nodes. */
  announce(places: readonly string[]): void;
  onTrouble(error: unknown, partition: number): void;
}

/** Continuous changes delay a rebalance by at most this many settle times. */
const MAX_SETTLE_DELAYS = 5;

/** The node for which this node has gone back in the line, and that node's place at the time. */
interface Behind {
  node: string;
  place: string | undefined;
  at: number;
}

export class PartitionOwners {
  readonly #options: OwnersOptions;
  /** By partition. Undefined after a change of the registry. */
  #preferred: readonly string[] | undefined;
  #nodes: ReadonlyMap<string, ConsumerNode> = new Map();
  readonly #behind: (Behind | undefined)[] = [];
  /** This node's announced places, by partition, and how often it has joined each line. */
  readonly #places: string[] = [];
  readonly #entries: number[];
  /** Distinguishes this start of the node from others. */
  readonly #start = randomBytes(4).toString("base64url");
  #timer: NodeJS.Timeout | undefined;
  #due = Number.POSITIVE_INFINITY;
  #changedSince: number | undefined;
  #moving: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(options: OwnersOptions) {
    this.#options = options;
    this.#entries = new Array(options.partitions).fill(0);
  }

  /** This node's present places in all lines, for {@link ConsumerNode}. Later ones are announced. */
  takePlaces(): readonly string[] {
    for (const [partition, entries] of this.#entries.entries())
      this.#places[partition] = this.#place(entries);
    return this.#places;
  }

  /** The preferred node of the partition. It is this one while no other node runs the actor. */
  preferred(partition: number): string {
    const { actor, partitions, nodeId } = this.#options;
    if (!this.#preferred) {
      this.#nodes = new Map(this.#options.nodes().map((it) => [it.id, it]));
      this.#preferred = preferredNodes([...this.#nodes.keys()], actor, partitions);
    }
    return this.#preferred[partition] ?? nodeId;
  }

  isMine(partition: number): boolean {
    return this.preferred(partition) === this.#options.nodeId;
  }

  /** The registry has changed. Partitions move once it has been stable for a while. */
  changed(): void {
    this.#preferred = undefined;
    const { settleMs } = this.#options;
    this.#changedSince ??= performance.now();
    const latest = this.#changedSince + MAX_SETTLE_DELAYS * settleMs;
    this.#schedule(Math.min(performance.now() + settleMs, latest), true);
  }

  /**
   * A message of this partition was delivered here. If another node is preferred, that node has lost its place in the
   * line.
   */
  delivered(partition: number): void {
    if (this.isMine(partition)) return;
    const behind = this.#behind[partition];
    const now = performance.now();
    const again = behind && this.#hasSteppedBack(partition, true) ? behind.at + this.#options.againMs : 0;
    this.#schedule(Math.max(again, now + this.#options.settleMs));
  }

  /** This node has joined the partition's line, behind all present consumers. */
  entered(partition: number): void {
    this.#entries[partition] = (this.#entries[partition] ?? 0) + 1;
    if (this.isMine(partition)) this.#schedule(performance.now() + this.#options.settleMs);
  }

  #schedule(at: number, instead = false): void {
    if (this.#stopped || (!instead && this.#due <= at)) return;
    clearTimeout(this.#timer);
    this.#due = at;
    this.#timer = setTimeout(() => this.rebalance(), Math.max(0, at - performance.now()));
  }

  /**
   * Hands over, one by one, the partitions for which another live node is preferred. These are partitions owned here,
   * and those for which this node may stand before that one in RabbitMQ's line. When all nodes have done this, the preferred node is
   * first in every line, even without messages. A node that loses its place (connection lost, restarted) announces
   * it, and the others do this again.
   */
  rebalance(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#due = Number.POSITIVE_INFINITY;
    this.#changedSince = undefined;
    this.#announce();
    this.#moving = this.#moving.then(async () => {
      const { consumption, partitions, handOver, onTrouble, settleMs } = this.#options;
      for (let partition = 0; partition < partitions; partition++) {
        if (this.#stopped) return;
        const node = this.preferred(partition);
        const held = consumption()?.held.has(partition) === true;
        if (this.isMine(partition)) this.#behind[partition] = undefined;
        else if (!this.#hasSteppedBack(partition, held))
          try {
            const behind = { node, place: this.#placeOf(node, partition), at: performance.now() };
            await handOver(partition);
            this.#behind[partition] = behind;
          } catch (error) {
            onTrouble(error, partition);
            this.#schedule(performance.now() + MAX_SETTLE_DELAYS * settleMs);
          }
        else if (held) this.delivered(partition);
      }
    });
  }

  /** Announces only places in lines where this node should be first. In the others it goes back all the time. */
  #announce(): void {
    let changed = false;
    for (const [partition, entries] of this.#entries.entries()) {
      const place = this.#place(entries);
      if (this.#places[partition] === place || !this.isMine(partition)) continue;
      this.#places[partition] = place;
      changed = true;
    }
    if (changed) this.#options.announce(this.#places);
  }

  #place(entries: number): string {
    return `${this.#start}.${entries}`;
  }

  #placeOf(node: string, partition: number): string | undefined {
    return this.#nodes.get(node)?.places?.[partition];
  }

  /** Whether this node has already gone back behind the partition's preferred node. */
  #hasSteppedBack(partition: number, held: boolean): boolean {
    const node = this.preferred(partition);
    const behind = this.#behind[partition];
    if (behind?.node !== node || behind.place !== this.#placeOf(node, partition)) return false;
    return !held || performance.now() - behind.at < this.#options.againMs;
  }

  /** Starts no further hand-over. Waits for the running one, at most `ms`. */
  async stop(ms: number): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await within(ms, this.#moving);
  }
}
