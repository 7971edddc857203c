/**
 * Whether all nodes of the shop read batches of messages (`bus/amqp/batches.ts`). Nodes of release 0.1.0 do not: a batch
 * would go to their dead queue. So nodes announce it, and a node sends batches only when no other kind of node is known.
 */
import type { ServiceBroker } from "moleculer";

/** In the metadata of a node, which the registry shows to the others. */
export const READS_BATCHES = { readsBatches: true };

/** How long a new node waits. A node that is just being restarted is not in the registry. Milliseconds. */
const SETTLE_MS = 60_000;
/** The answer is kept for this time, because the bus asks for each message. Milliseconds. */
const KEEP_MS = 1_000;

interface KnownNode {
  readonly metadata: { readonly readsBatches?: boolean } | null;
}

/** What it reads of a broker. */
export interface Registry {
  readonly nodes: { toArray(): readonly KnownNode[] };
}

export class BatchReaders {
  readonly #settleMs: number;
  readonly #now: () => number;
  #broker: { registry: Registry; isConnected(): boolean } | undefined;
  #agreedSince: number | undefined;
  #checkedAt = Number.NEGATIVE_INFINITY;
  #answer = false;

  constructor(settleMs = SETTLE_MS, now: () => number = () => performance.now()) {
    this.#settleMs = settleMs;
    this.#now = now;
  }

  /** The broker of this node. Without one, the answer is no. */
  watch({ registry, transit }: Pick<ServiceBroker, "registry" | "transit">): void {
    this.#broker = {
      registry: registry as typeof registry & Registry,
      isConnected: () => transit?.connected === true,
    };
  }

  /** The registry keeps nodes that have left for ten minutes. They count too, because they may come back. */
  all(): boolean {
    const now = this.#now();
    if (now - this.#checkedAt < KEEP_MS) return this.#answer;
    this.#checkedAt = now;
    if (this.#agree()) this.#agreedSince ??= now;
    else this.#agreedSince = undefined;
    this.#answer = this.#agreedSince !== undefined && now - this.#agreedSince >= this.#settleMs;
    return this.#answer;
  }

  #agree(): boolean {
    const { registry, isConnected } = this.#broker ?? {};
    if (!registry || !isConnected?.()) return false;
    return registry.nodes.toArray().every((it) => it.metadata?.readsBatches === true);
  }
}
