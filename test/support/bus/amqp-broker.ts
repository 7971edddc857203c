/** A part of the real RabbitMQ for one test: a random prefix, inspected and removed over plain amqplib. */
import { randomBytes } from "node:crypto";
import { type Channel, connect } from "amqplib";
import { readDeadHeaders } from "../../../broker/bus/amqp/dead-headers.ts";
import { deadQueueName, queueName } from "../../../broker/bus/topology.ts";
import type { ServiceContract } from "../../../broker/contract/contract.ts";
import type { Buried } from "./bus-conformance.ts";
import { deleteTopology } from "./delete-topology.ts";

export const amqpUrl = process.env.AMQP_URL ?? "amqp://guest:guest@127.0.0.1:5672";

export interface AmqpBroker {
  readonly prefix: string;
  channel(): Promise<Channel>;
  /** What is in the dead queue; it stays there. */
  buried(queue: string): Promise<Buried[]>;
  /** Deletes all queues and exchanges of the contracts. */
  close(): Promise<void>;
}

export async function amqpBroker(contracts: readonly ServiceContract[]): Promise<AmqpBroker> {
  const connection = await connect(amqpUrl, { noDelay: true });
  const prefix = `test-${randomBytes(6).toString("hex")}`;
  const channel = async () => {
    const opened = await connection.createChannel();
    // A test's error rejects its own call. An event without a listener would end the process.
    opened.on("error", () => undefined);
    return opened;
  };
  return {
    prefix,
    channel,
    async buried(queue) {
      const on = await channel();
      const found: Buried[] = [];
      for (;;) {
        const message = await on.get(deadQueueName(queueName(prefix, queue)));
        if (!message) break;
        const note = readDeadHeaders(message.properties.headers ?? {});
        found.push({
          id: String(message.properties.messageId ?? ""),
          errorName: note?.error.name ?? "",
          errorMessage: note?.error.message ?? "",
          errorStack: note?.error.stack ?? "",
          errorCode: note?.error.code,
          attempts: note?.attempts ?? 0,
        });
      }
      await on.close();
      return found;
    },
    async close() {
      const on = await channel();
      await deleteTopology(on, prefix, contracts);
      await connection.close();
    },
  };
}
