import { shopExchangeName } from "../../../broker/bus/amqp/claim-shop.ts";
import { connectToAny } from "../../../broker/bus/amqp/connect-once.ts";
import core from "../../../services/index.ts";
import { deleteTopology } from "../bus/delete-topology.ts";

/** Deletes everything that a shop with this prefix has declared on RabbitMQ. */
export async function deleteQueues(url: string, prefix: string): Promise<void> {
  const connection = await connectToAny(url);
  try {
    const channel = await connection.createChannel();
    await deleteTopology(channel, prefix, core.contracts);
    await channel.deleteExchange(shopExchangeName(prefix));
  } finally {
    await connection.close();
  }
}
