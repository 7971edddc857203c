import type { Channel } from "amqplib";
import {
  deadExchangeName,
  deadQueueName,
  exchangeName,
  queueName,
  queuesOf,
  tapExchangeName,
  topologyOf,
} from "../../../broker/bus/topology.ts";
import type { ServiceContract } from "../../../broker/contract/contract.ts";

/** Deletes the queues and exchanges that a bus declares for these contracts. */
export async function deleteTopology(
  channel: Pick<Channel, "deleteQueue" | "deleteExchange">,
  prefix: string,
  contracts: readonly ServiceContract[],
): Promise<void> {
  for (const { name } of queuesOf(topologyOf(contracts))) {
    const queue = queueName(prefix, name);
    await channel.deleteQueue(queue);
    await channel.deleteQueue(deadQueueName(queue));
  }
  await channel.deleteExchange(exchangeName(prefix));
  await channel.deleteExchange(deadExchangeName(prefix));
  await channel.deleteExchange(tapExchangeName(prefix));
}
