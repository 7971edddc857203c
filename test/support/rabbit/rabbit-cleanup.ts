import { shopExchangeName } from "../../../broker/bus/amqp/claim-shop.ts";
import { connectToAny } from "../../../broker/bus/amqp/connect-once.ts";
import {
  deadExchangeName,
  deadQueueName,
  exchangeName,
  queueName,
  queuesOf,
  topologyOf,
} from "../../../broker/bus/topology.ts";
import core from "../../../services/index.ts";

/** Deletes everything that a shop with this prefix has declared on RabbitMQ. */
export async function deleteQueues(url: string, prefix: string): Promise<void> {
  const connection = await connectToAny(url);
  try {
    const channel = await connection.createChannel();
    for (const { name } of queuesOf(topologyOf(core.contracts))) {
      const queue = queueName(prefix, name);
      await channel.deleteQueue(queue);
      await channel.deleteQueue(deadQueueName(queue));
    }
    await channel.deleteExchange(exchangeName(prefix));
    await channel.deleteExchange(deadExchangeName(prefix));
    await channel.deleteExchange(shopExchangeName(prefix));
  } finally {
    await connection.close();
  }
}
