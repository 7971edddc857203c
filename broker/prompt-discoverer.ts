/**
 * Moleculer's discovery, that notices within a second or so when a node's heartbeats have been missing for the time-out.
 * Moleculer itself looks only once per time-out, so that a node that hangs is sent requests for up to twice as long.
 */
import { Discoverers } from "moleculer";

const LOOK_EVERY_MS = 1_000;
/** So late a look says that this process itself was away, and heard nothing for that reason. */
const LATE_MS = 3_000;

export class PromptDiscoverer extends Discoverers.Local {
  #lookedAt = 0;

  override startHeartbeatTimers(): void {
    super.startHeartbeatTimers();
    if (!this.checkNodesTimer) return;
    clearInterval(this.checkNodesTimer);
    this.#forgive();
    this.#lookedAt = performance.now();
    this.checkNodesTimer = setInterval(() => this.#look(), LOOK_EVERY_MS).unref();
  }

  #look(): void {
    const late = performance.now() - this.#lookedAt > LATE_MS;
    this.#lookedAt = performance.now();
    if (late || !this.transit?.tx.connected) this.#forgive();
    else this.checkRemoteNodes();
  }

  /** Nobody could be heard until now: their time begins anew. */
  #forgive(): void {
    const now = Math.round(process.uptime());
    for (const node of this.registry.nodes.toArray()) if (!node.local) node.lastHeartbeatTime = now;
  }
}
