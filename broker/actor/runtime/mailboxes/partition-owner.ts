/**
 * Which node should hold which partition: a balanced rendezvous over the nodes that run the actor's service, so that
 * all nodes agree without talking. For balance only; the broker's single active consumer decides who really does.
 */
import { randomBytes } from "node:crypto";
import type { MailboxConsumption } from "../../../bus/bus.ts";
import { partitionOf } from "../../../bus/topology.ts";
import { within } from "../../../resilience/deadline.ts";

const SPREAD = 0x1_0000_0000;

/**
 * The node that should hold each partition: rendezvous hashing with bounded loads. The pair of node and partition that
 * likes each other most goes first, until nodes are full: P mod N of them hold one partition more than the others.
 * The same for everybody who knows the same nodes, in whatever order; where one comes or goes, few others move.
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
  // Stable, so that equal weights keep the order of partitions and names.
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
export interface LineNode {
  id: string;
  /**
   * By partition: names its present place in the broker's line of consumers, and changes where the node has lost that
   * place and queued up anew. Undefined for nodes of versions that don't tell.
   */
  places?: readonly string[] | undefined;
}

export interface OwnersOptions {
  actor: string;
  partitions: number;
  /** This node. */
  nodeId: string;
  /** Nodes that are alive and consume the actor's mailboxes, this one included. */
  nodes(): readonly LineNode[];
  settleMs: number;
  /**
   * A partition that comes back although it was handed over stays here for so long: the preferred node may be dead, and
   * the registry not know it yet. Milliseconds.
   */
  againMs: number;
  /** Lets go of a partition in order; resolves when another node may have it. */
  handOver(partition: number): Promise<void>;
  consumption(): MailboxConsumption | undefined;
  /** Tells the other nodes this one's places in the lines. */
  announce(places: readonly string[]): void;
  onTrouble(error: unknown, partition: number): void;
}

/** Changes that follow each other without end put a rebalance off for so many settle times at most. */
const MOST_SETTLES = 5;

/** What this node has stepped back for: a node, and that node's place in the line at the time. */
interface Behind {
  node: string;
  place: string | undefined;
  at: number;
}

export class PartitionOwners {
  readonly #options: OwnersOptions;
  /** By partition; undefined when the registry has changed since. */
  #preferred: readonly string[] | undefined;
  #nodes: ReadonlyMap<string, LineNode> = new Map();
  readonly #behind: (Behind | undefined)[] = [];
  /** This node's places, as announced; and how often it has queued up, by partition. */
  readonly #places: string[] = [];
  readonly #entries: number[];
  /** Tells this start of the node from others. */
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

  /** This node's places in all lines as they are now, for {@link LineNode}; later ones are announced. */
  takePlaces(): readonly string[] {
    for (const [partition, entries] of this.#entries.entries())
      this.#places[partition] = this.#place(entries);
    return this.#places;
  }

  /** The node that should hold the partition; this one as long as nobody else runs the actor. */
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

  /** The registry has changed; partitions move once it has been quiet for a while. */
  changed(): void {
    this.#preferred = undefined;
    const { settleMs } = this.#options;
    this.#changedSince ??= performance.now();
    const latest = this.#changedSince + MOST_SETTLES * settleMs;
    this.#schedule(Math.min(performance.now() + settleMs, latest), true);
  }

  /** A message of this partition came here. Where it is another node's, that one has lost its place in the line. */
  delivered(partition: number): void {
    if (this.isMine(partition)) return;
    const behind = this.#behind[partition];
    const now = performance.now();
    const again = behind && this.#isBehind(partition, true) ? behind.at + this.#options.againMs : 0;
    this.#schedule(Math.max(again, now + this.#options.settleMs));
  }

  /** This node has queued up for the partition, behind all who consume it already. */
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
   * Hands over, one after the other, the partitions that another living node should have: those held here, and those
   * for which this node may stand before that one in the broker's line. When all nodes have done so, the preferred
   * one is the first in every line, whether messages come or not. A node that loses its place (its connection was
   * lost, it was started again) says so, and the others do it once more.
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
        else if (!this.#isBehind(partition, held))
          try {
            const behind = { node, place: this.#placeOf(node, partition), at: performance.now() };
            await handOver(partition);
            this.#behind[partition] = behind;
          } catch (error) {
            onTrouble(error, partition);
            this.#schedule(performance.now() + MOST_SETTLES * settleMs);
          }
        else if (held) this.delivered(partition);
      }
    });
  }

  /** Only places in lines where this node should be the first: for the others it steps back all the time. */
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

  /** Whether this node has stepped back already for the one that should have the partition. */
  #isBehind(partition: number, held: boolean): boolean {
    const node = this.preferred(partition);
    const behind = this.#behind[partition];
    if (behind?.node !== node || behind.place !== this.#placeOf(node, partition)) return false;
    return !held || performance.now() - behind.at < this.#options.againMs;
  }

  /** Hands nothing over any more; waits for the hand-over that runs, at most `ms`. */
  async stop(ms: number): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await within(ms, this.#moving);
  }
}
