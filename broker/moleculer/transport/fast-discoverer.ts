/**
 * Moleculer's discovery, with faster detection of missing heartbeats: within about a second after the time-out.
 * Moleculer itself checks once per time-out, so a hanging node gets requests for up to twice as long.
 *
 * After a connection, heartbeats list the calls that their node is working on. Callers of any older call to this node
 * name then stop waiting. Heartbeats also identify the current service list, so a lost list is requested again.
 */
import { Discoverers } from "moleculer";
import { SoukError } from "../../contract/errors.ts";
import { redactedReason } from "../../contract/secrets/redact.ts";

const LOOK_EVERY_MS = 1_000;
/** A check that is this late means that this process itself was suspended and received nothing. */
const SUSPENDED_MS = 3_000;
/** How long after its connection a node lists the calls that it is working on. */
const ANNOUNCE_MS = 10_000;
/** Time that a packet may take between nodes. */
const IN_TRANSIT_MS = 500;

/** Only with the AMQP transporter, and not from nodes of earlier versions. */
interface Heartbeat {
  connectedMs?: number;
  runningRequests?: readonly string[];
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

export class FastDiscoverer extends Discoverers.Local {
  #lookedAt = 0;
  #hasStarted = false;

  override startHeartbeatTimers(): void {
    super.startHeartbeatTimers();
    if (!this.checkNodesTimer) return;
    clearInterval(this.checkNodesTimer);
    this.#restartTimeouts();
    this.#lookedAt = performance.now();
    this.checkNodesTimer = setInterval(() => this.#look(), LOOK_EVERY_MS).unref();
  }

  /** Moleculer reads these two fields of a heartbeat, but does not send them. */
  override async sendHeartbeat(): Promise<void> {
    const { seq, cpu, instanceID } = this.localNode as LocalNode;
    const { connectedMs, runningRequests } = (this.transit?.tx ?? {}) as Heartbeat;
    const heard =
      connectedMs !== undefined && connectedMs < ANNOUNCE_MS ? { connectedMs, runningRequests } : {};
    const payload = { cpu, seq, instanceID, ...heard };
    try {
      await this.transit?.publish({ type: "HEARTBEAT", payload });
    } catch (error) {
      // Nobody awaits it, so it would end the process. A new connection sends another, and so does the next second.
      this.logger.debug(`a heartbeat was not sent: ${redactedReason(error)}`);
    }
  }

  /** A stopping node lists no services. Moleculer may list them again when one of them stops. */
  override async sendLocalNodeInfo(nodeID?: string): Promise<void> {
    this.#hasStarted ||= this.broker.started;
    if (this.#hasStarted && !this.broker.started) {
      this.registry.regenerateLocalRawInfo(false, true);
      Object.assign(this.registry, { localNodeInfoInvalidated: false });
    }
    await super.sendLocalNodeInfo(nodeID);
  }

  override heartbeatReceived(nodeID: string, payload: Heartbeat): void {
    super.heartbeatReceived(nodeID, payload);
    if (payload.connectedMs !== undefined && payload.runningRequests)
      this.#endLostCalls(nodeID, payload.connectedMs, payload.runningRequests);
  }

  /** Ends calls that the node did not receive, or whose answer was lost. How far they came is unknown. */
  #endLostCalls(nodeID: string, connectedMs: number, runningRequests: readonly string[]): void {
    const pending = (this.transit?.pendingRequests ?? new Map()) as Map<string, Pending>;
    const lost = [...pending].filter(
      ([id, it]) =>
        it.nodeID === nodeID && ageOf(it) > connectedMs + IN_TRANSIT_MS && !runningRequests.includes(id),
    );
    if (lost.length === 0) return;
    // Answers that are in transit in another queue come first.
    setTimeout(() => {
      for (const [id, it] of lost) {
        if (pending.get(id) !== it) continue;
        this.transit?.removePendingRequest(id);
        it.reject(new SoukError("UNAVAILABLE", undefined, { retryAfter: 1 }));
      }
    }, IN_TRANSIT_MS);
  }

  #look(): void {
    const late = performance.now() - this.#lookedAt > SUSPENDED_MS;
    this.#lookedAt = performance.now();
    const { connected, blocked } = (this.transit?.tx ?? {}) as { connected?: boolean; blocked?: string };
    // While RabbitMQ blocks all publishers, all nodes are silent. None of them need have crashed.
    if (late || !connected || blocked !== undefined) this.#restartTimeouts();
    else this.checkRemoteNodes();
  }

  /** No node could be received until now, so their time-outs start again. */
  #restartTimeouts(): void {
    const now = Math.round(process.uptime());
    for (const node of this.registry.nodes.toArray()) if (!node.local) node.lastHeartbeatTime = now;
  }
}
