/**
 * Which node should hold which partition: rendezvous hashing over the nodes that run the actor's service, so that
 * all nodes agree without talking. For balance only; the broker's single active consumer decides who really does.
 */
import type { MailboxConsumption } from "../bus/bus.ts";
import { partitionOf } from "../bus/topology.ts";

const SPREAD = 0x1_0000_0000;

/** The node with the highest weight for this partition; undefined without nodes. */
export function preferredNode(
  nodes: readonly string[],
  actor: string,
  partition: number,
): string | undefined {
  let best: string | undefined;
  let most = -1;
  for (const node of nodes) {
    const weight = partitionOf(`${actor}/${partition}@${node}`, SPREAD);
    if (weight > most || (weight === most && best !== undefined && node < best)) {
      best = node;
      most = weight;
    }
  }
  return best;
}

export interface OwnersOptions {
  actor: string;
  partitions: number;
  /** This node. */
  nodeId: string;
  /** Nodes that are alive and consume the actor's mailboxes, this one included. */
  nodes(): string[];
  settleMs: number;
  /** Lets go of a partition in order; resolves when another node may have it. */
  handOver(partition: number): Promise<void>;
  consumption(): MailboxConsumption | undefined;
  onTrouble(error: unknown, partition: number): void;
}

export class Owners {
  readonly #options: OwnersOptions;
  readonly #preferred: (string | undefined)[] = [];
  #known = false;
  #timer: NodeJS.Timeout | undefined;
  #moving: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(options: OwnersOptions) {
    this.#options = options;
  }

  /** The node that should hold the partition; this one as long as nobody else runs the actor. */
  preferred(partition: number): string {
    if (!this.#known) {
      const { nodes, actor, partitions } = this.#options;
      const alive = nodes();
      for (let p = 0; p < partitions; p++) this.#preferred[p] = preferredNode(alive, actor, p);
      this.#known = true;
    }
    return this.#preferred[partition] ?? this.#options.nodeId;
  }

  isMine(partition: number): boolean {
    return this.preferred(partition) === this.#options.nodeId;
  }

  /** The registry has changed; partitions move once it has been quiet for a while. */
  changed(): void {
    this.#known = false;
    if (this.#stopped) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.rebalance(), this.#options.settleMs);
  }

  /** Hands over, one after the other, the partitions held here that another living node should have. */
  rebalance(): void {
    this.#moving = this.#moving.then(async () => {
      const { consumption, partitions, handOver, onTrouble } = this.#options;
      let moved = 0;
      for (let partition = 0; partition < partitions; partition++) {
        if (this.#stopped) return;
        if (!consumption()?.held.has(partition) || this.isMine(partition)) continue;
        try {
          await handOver(partition);
          moved++;
        } catch (error) {
          onTrouble(error, partition);
        }
      }
      // The broker may have given one to a third node, or back to this one while it alone was there: look again.
      if (moved > 0) this.changed();
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#moving;
  }
}
