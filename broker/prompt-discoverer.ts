/**
 * Moleculer's discovery, that notices within a second or so when a node's heartbeats have been missing for the time-out.
 * Moleculer itself looks only once per time-out, so that a node that hangs is sent requests for up to twice as long.
 * Heartbeats say which list of services is the present one, so that a list that was lost on its way is asked for again.
 */
import { Discoverers } from "moleculer";

const LOOK_EVERY_MS = 1_000;
/** So late a look says that this process itself was away, and heard nothing for that reason. */
const LATE_MS = 3_000;

interface LocalNode {
  seq: number;
  cpu: number | null;
  instanceID: string;
}

/** What Moleculer's types leave out. */
interface LocalRegistry {
  regenerateLocalRawInfo(isNewer: boolean, isStopping: boolean): unknown;
  localNodeInfoInvalidated: boolean | string;
}

export class PromptDiscoverer extends Discoverers.Local {
  #lookedAt = 0;
  #hasStarted = false;

  override startHeartbeatTimers(): void {
    super.startHeartbeatTimers();
    if (!this.checkNodesTimer) return;
    clearInterval(this.checkNodesTimer);
    this.#forgive();
    this.#lookedAt = performance.now();
    this.checkNodesTimer = setInterval(() => this.#look(), LOOK_EVERY_MS).unref();
  }

  /** Moleculer looks at these two where a heartbeat has them, but does not send them itself. */
  override async sendHeartbeat(): Promise<void> {
    const { seq, cpu, instanceID } = this.localNode as LocalNode;
    const payload = { cpu, seq, instanceID };
    await this.transit?.publish({ type: "HEARTBEAT", target: null, payload } as never);
  }

  /** A node that stops has no services any more, whoever asks; Moleculer may list them again when one of them goes. */
  override async sendLocalNodeInfo(nodeID?: string): Promise<void> {
    this.#hasStarted ||= this.broker.started;
    if (this.#hasStarted && !this.broker.started) {
      const registry = this.registry as unknown as LocalRegistry;
      registry.regenerateLocalRawInfo(false, true);
      registry.localNodeInfoInvalidated = false;
    }
    await super.sendLocalNodeInfo(nodeID);
  }

  #look(): void {
    const late = performance.now() - this.#lookedAt > LATE_MS;
    this.#lookedAt = performance.now();
    const { connected, blocked } = (this.transit?.tx ?? {}) as { connected?: boolean; blocked?: string };
    // Where RabbitMQ takes nothing from anybody who publishes, all are silent and none need be dead.
    if (late || !connected || blocked !== undefined) this.#forgive();
    else this.checkRemoteNodes();
  }

  /** Nobody could be heard until now: their time begins anew. */
  #forgive(): void {
    const now = Math.round(process.uptime());
    for (const node of this.registry.nodes.toArray()) if (!node.local) node.lastHeartbeatTime = now;
  }
}
