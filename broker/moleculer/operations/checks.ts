/** What every node needs to be ready. */
import type { ServiceBroker } from "moleculer";
import type { Bus } from "../../bus/bus.ts";
import { redactedReason } from "../../contract/secrets/redact.ts";
import type { Log } from "../../resilience/log.ts";
import { rateLimitedLog } from "../../resilience/rate-limited-log.ts";
import type { Check } from "./readiness.ts";

/** @param bus undefined while it is being opened */
export const busCheck = (bus: () => Pick<Bus, "state"> | undefined): Check => ({
  name: "bus",
  async run() {
    const state = bus()?.state ?? "connecting";
    if (state === "blocked") throw new Error(BLOCKED);
    if (state !== "connected") throw new Error(`is ${state}`);
  },
});

const BLOCKED = "RabbitMQ blocks publishers: it is short of memory or disk";

/** The transporter for calls between nodes. A node without one has no such check. */
export const transporterCheck = ({ transit }: Pick<ServiceBroker, "transit">): Check => ({
  name: "transporter",
  async run() {
    if (!transit) return;
    const { connected, blocked } = transit.tx as { connected: boolean; blocked?: string };
    if (blocked !== undefined) throw new Error(BLOCKED);
    if (!connected) throw new Error("is connecting");
  },
});

/** @param ping undefined until the database is connected */
export const databaseCheck = (ping: () => (() => Promise<void>) | undefined, log: Log): Check => ({
  name: "database",
  async run() {
    const asked = ping();
    if (!asked) throw new Error("has not answered yet");
    await asked().catch((cause: unknown) => {
      // The driver's text contains host names, so only the log has it.
      rateLimitedLog(log).warn("database", "the database does not answer", { reason: redactedReason(cause) });
      throw new Error("does not answer");
    });
  },
});
