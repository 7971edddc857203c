/**
 * Which node should hold which partition: a balanced rendezvous over the nodes that run the actor's service, so that
 * all nodes agree without talking. For balance only; the broker's single active consumer decides who really does.
 */
import type { MailboxConsumption } from "../bus/bus.ts";
import { partitionOf } from "../bus/topology.ts";
import { within } from "../deadline.ts";

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

export interface OwnersOptions {
  actor: string;
  partitions: number;
  /** This node. */
  nodeId: string;
  /** Nodes that are alive and consume the actor's mailboxes, this one included. */
  nodes(): string[];
  settleMs: number;
  /**
   * A partition that comes back although it was handed over stays here for so long: the preferred node may be dead, and
   * the registry not know it yet. Milliseconds.
   */
  againMs: number;
  /** Lets go of a partition in order; resolves when another node may have it. */
  handOver(partition: number): Promise<void>;
  consumption(): MailboxConsumption | undefined;
  onTrouble(error: unknown, partition: number): void;
}

export class Owners {
  readonly #options: OwnersOptions;
  /** By partition; undefined when the registry has changed since. */
  #preferred: readonly string[] | undefined;
  /** By partition: the node that this one has stepped back for, and when. */
  readonly #behind: ({ node: string; at: number } | undefined)[] = [];
  #timer: NodeJS.Timeout | undefined;
  #moving: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(options: OwnersOptions) {
    this.#options = options;
  }

  /** The node that should hold the partition; this one as long as nobody else runs the actor. */
  preferred(partition: number): string {
    const { nodes, actor, partitions, nodeId } = this.#options;
    this.#preferred ??= preferredNodes(nodes(), actor, partitions);
    return this.#preferred[partition] ?? nodeId;
  }

  isMine(partition: number): boolean {
    return this.preferred(partition) === this.#options.nodeId;
  }

  /** The registry has changed; partitions move once it has been quiet for a while. */
  changed(): void {
    this.#preferred = undefined;
    if (this.#stopped) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.rebalance(), this.#options.settleMs);
  }

  /** A message of this partition came here. Where it is another node's, that one has lost its place in the line. */
  delivered(partition: number): void {
    if (this.isMine(partition) || this.#stopped || this.#isBehind(partition, true)) return;
    this.#timer ??= setTimeout(() => this.rebalance(), this.#options.settleMs);
  }

  /**
   * Hands over, one after the other, the partitions that another living node should have: those held here, and those
   * for which this node may stand before that one in the broker's line. When all nodes have done so, the preferred
   * one is the first in every line, whether messages come or not.
   */
  rebalance(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#moving = this.#moving.then(async () => {
      const { consumption, partitions, handOver, onTrouble } = this.#options;
      for (let partition = 0; partition < partitions; partition++) {
        if (this.#stopped) return;
        const node = this.preferred(partition);
        if (this.isMine(partition)) this.#behind[partition] = undefined;
        else if (!this.#isBehind(partition, consumption()?.held.has(partition) === true))
          try {
            await handOver(partition);
            this.#behind[partition] = { node, at: performance.now() };
          } catch (error) {
            onTrouble(error, partition);
          }
      }
    });
  }

  /** Whether this node has stepped back already for the one that should have the partition. */
  #isBehind(partition: number, held: boolean): boolean {
    const behind = this.#behind[partition];
    if (behind?.node !== this.preferred(partition)) return false;
    return !held || performance.now() - behind.at < this.#options.againMs;
  }

  /** Hands nothing over any more; waits for the hand-over that runs, at most `ms`. */
  async stop(ms: number): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await within(ms, this.#moving);
  }
}
