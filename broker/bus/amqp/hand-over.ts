/** Transfers the messages on RabbitMQ from one shop to another, when an operator asks for it. No node may run. */
import type { Channel, ChannelModel } from "amqplib";
import type { Topology } from "../bus.ts";
import { deadQueueName, queueName, queuesOf } from "../topology.ts";
import { claimMessages, shopExchangeName } from "./claim-shop.ts";
import { closeChannel } from "./close-channel.ts";
import { openChannel } from "./declare.ts";

export interface QueueUse {
  /** Number of waiting messages, also dead ones. */
  readonly messages: number;
  /** Number of consumers. Zero when no node runs. */
  readonly consumers: number;
}

/** The sum over all queues of the shop under this prefix. A missing queue counts as empty. */
export async function useOfQueues(
  model: ChannelModel,
  prefix: string,
  topology: Topology,
): Promise<QueueUse> {
  let messages = 0;
  let consumers = 0;
  await eachQueue(model, prefix, topology, async (channel, queue) => {
    const { messageCount, consumerCount } = await channel.checkQueue(queue);
    messages += messageCount;
    consumers += consumerCount;
  });
  return { messages, consumers };
}

/** Deletes all waiting messages. */
export const dropMessages = (model: ChannelModel, prefix: string, topology: Topology): Promise<void> =>
  eachQueue(model, prefix, topology, async (channel, queue) => {
    await channel.purgeQueue(queue);
  });

/**
 * Makes this shop the owner of the messages under this prefix.
 * @throws {OtherShopError} when a node of another shop claims them at the same time
 */
export async function replaceClaim(model: ChannelModel, prefix: string, shop: string): Promise<void> {
  const { channel, gone } = await openChannel(model);
  await channel.deleteExchange(shopExchangeName(prefix));
  await closeChannel(channel, gone);
  await claimMessages(model, prefix, shop);
}

const NOT_FOUND = 404;

async function eachQueue(
  model: ChannelModel,
  prefix: string,
  topology: Topology,
  visit: (channel: Channel, queue: string) => Promise<void>,
): Promise<void> {
  let open = await openChannel(model);
  for (const { name } of queuesOf(topology)) {
    const queue = queueName(prefix, name);
    for (const it of [queue, deadQueueName(queue)])
      try {
        await visit(open.channel, it);
      } catch (thrown) {
        // The error has closed the channel.
        if ((thrown as { code?: unknown }).code !== NOT_FOUND) throw thrown;
        open = await openChannel(model);
      }
  }
  await closeChannel(open.channel, open.gone);
}
