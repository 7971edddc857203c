/**
 * Messages that no handler can process, put into live queues on purpose. Each must end in its dead queue, without
 * harm to others.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "amqplib";
import { mailboxName, queueName } from "../../../broker/bus/topology.ts";
import { newId } from "../../../broker/contract/ids.ts";
import type { SeededRandom } from "../../support/seeded-random.ts";
import { PREFIX } from "../cluster/cluster.ts";

const ACTORS = ["order", "stock", "payment", "delivery"];
const RETRY_MS = 500;

/**
 * Puts one into the mailbox of an actor, and retries until RabbitMQ has confirmed it.
 * @returns its id; null when `signal` fires first, because it is unknown whether it arrived
 */
export async function poison(url: string, random: SeededRandom, signal: AbortSignal): Promise<string | null> {
  const id = newId();
  const queue = queueName(PREFIX, mailboxName(random.pick(ACTORS), random.between(0, 15)));
  while (!signal.aborted) {
    try {
      const connection = await connect(url, { timeout: 2_000 });
      connection.on("error", () => undefined);
      const channel = await connection.createConfirmChannel();
      channel.on("error", () => undefined);
      channel.sendToQueue(queue, Buffer.from("{poison"), { messageId: id, persistent: true });
      await channel.waitForConfirms();
      await connection.close();
      return id;
    } catch {
      // RabbitMQ is away for the moment. A duplicate with the same id does no harm.
      await sleep(RETRY_MS);
    }
  }
  return null;
}
