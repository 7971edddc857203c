/**
 * Moleculer's discovery, that notices within a second or so when a node's heartbeats have been missing for the time-out.
 * Moleculer itself looks only once per time-out, so that a node that hangs is sent requests for up to twice as long.
 * Heartbeats after a connection was made say what their node is at work on, so that who has asked for anything else before,
 * of this process or of one of the same name that has died, waits no longer.
 * Heartbeats say which list of services is the present one, so that a list that was lost on its way is asked for again.
 */
import { Discoverers } from "moleculer";
import { SoukError } from "../../contract/errors.ts";

const LOOK_EVERY_MS = 1_000;
/** So late a look says that this process itself was away, and heard nothing for that reason. */
const LATE_MS = 3_000;
/** So long after it has connected a node tells what it is at work on. */
const TELL_MS = 10_000;
/** A packet may take so long from node to node. */
const ON_THE_WAY_MS = 500;

/** Only of the AMQP transporter, and not of nodes of earlier versions. */
interface Heartbeat {
  heardMs?: number;
  atWork?: readonly string[];
}

interface Pending {
  nodeID: string;
  ctx: { startHrTime: [number, number] | null };
  reject(error: Error): void;
}

/** Milliseconds since the call was made. */
function ageOf({ ctx }: Pending): number {
  if (!ctx.startHrTime) return 0;
  const [seconds, nanoseconds] = process.hrtime(ctx.startHrTime);
  return seconds * 1_000 + nanoseconds / 1e6;
}

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
    const { heardMs, atWork } = (this.transit?.tx ?? {}) as Heartbeat;
    const heard = heardMs !== undefined && heardMs < TELL_MS ? { heardMs, atWork } : {};
    const payload = { cpu, seq, instanceID, ...heard };
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

  override heartbeatReceived(nodeID: string, payload: Heartbeat): void {
    super.heartbeatReceived(nodeID, payload as never);
    if (payload.heardMs !== undefined && payload.atWork)
      this.#tellOfLoss(nodeID, payload.heardMs, payload.atWork);
  }

  /** What the node has not heard will not be answered, nor what its answer was lost of; nobody knows how far it came. */
  #tellOfLoss(nodeID: string, heardMs: number, atWork: readonly string[]): void {
    const pending = (this.transit?.pendingRequests ?? new Map()) as Map<string, Pending>;
    const lost = [...pending].filter(
      ([id, it]) => it.nodeID === nodeID && ageOf(it) > heardMs + ON_THE_WAY_MS && !atWork.includes(id),
    );
    if (lost.length === 0) return;
    // Answers that are on their way in another queue come first.
    setTimeout(() => {
      for (const [id, it] of lost) {
        if (pending.get(id) !== it) continue;
        this.transit?.removePendingRequest(id);
        it.reject(new SoukError("UNAVAILABLE", undefined, { retryAfter: 1 }));
      }
    }, ON_THE_WAY_MS);
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
