/**
 * Declares exchanges, queues and bindings on RabbitMQ. Idempotent. Many nodes may run it at once. It uses several
 * channels.
 */

import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Channel, ChannelModel } from "amqplib";
import { backoff, toError } from "../../resilience/retry.ts";
import type { Topology } from "../bus.ts";
import {
  deadExchangeName,
  deadQueueName,
  exchangeName,
  type QueuePlan,
  queueName,
  queuesOf,
  tapExchangeName,
} from "../topology.ts";
import { closeChannel } from "./close-channel.ts";

/** A channel has one declaration in flight at a time. More channels pipeline them. */
const CHANNELS = 16;
const MAX_TRIES = 8;
/**
 * A backstop. RabbitMQ 3.x counts every crash and hand-over of a consumer, for each message that it had not acked.
 */
const DELIVERY_LIMIT = 200;
/**
 * RabbitMQ 4.3 and later wait this long, in milliseconds, for a consumer whose RabbitMQ node is gone. Until then, the
 * messages and the single active consumer stay with it. The default of one minute would stop every mailbox for that
 * time. Older versions do not wait.
 */
const CONSUMER_AWAY_MS = 1_000;
/** Operators read dead queues by hand. RabbitMQ 4.x would drop a message after 20 reads by default. */
const DEAD_DELIVERY_LIMIT = 1_000_000;

const PRECONDITION_FAILED = 406;
const ACCESS_REFUSED = 403;
const NOT_FOUND = 404;

/** A queue or exchange exists with other arguments, or may not be declared. Retrying does not help. */
export class TopologyError extends Error {
  override readonly name = "TopologyError";
}

/**
 * Declares everything, and finally the topology marker. See {@link isDeclared}.
 * @throws {TopologyError} names the queue
 */
export async function declareTopology(
  model: ChannelModel,
  prefix: string,
  topology: Topology,
): Promise<void> {
  await withRetries(model, `exchange ${prefix}`, async (channel) => {
    await channel.assertExchange(exchangeName(prefix), "topic", { durable: true });
    await channel.assertExchange(deadExchangeName(prefix), "direct", { durable: true });
    if (topology.taps.length > 0)
      await channel.assertExchange(tapExchangeName(prefix), "direct", { durable: true });
  });
  const plans = queuesOf(topology);
  const workers = Array.from({ length: Math.min(CHANNELS, plans.length) }, async () => {
    let channel: DeclaringChannel | undefined;
    for (let plan = plans.shift(); plan; plan = plans.shift()) {
      const queue = plan;
      channel = await withRetries(
        model,
        `queue ${queueName(prefix, queue.name)}`,
        (on) => declareQueue(on, prefix, queue),
        channel,
      );
    }
    if (channel) await closeChannel(channel.channel, channel.gone);
  });
  const failed = (await Promise.allSettled(workers)).find((it) => it.status === "rejected");
  if (failed) throw failed.reason;
  const mark = markOf(prefix, topology);
  await withRetries(model, `exchange ${mark}`, async (channel) => {
    await channel.assertExchange(mark, "fanout", { durable: true, autoDelete: true });
    // Nothing is published to the marker. It is bound to the exchange of all queues, and is deleted together with it.
    await channel.bindExchange(exchangeName(prefix), mark, "");
  });
}

/** Topology marker: an exchange named by the topology's hash. A node that finds it skips the declaration. */
function markOf(prefix: string, topology: Topology): string {
  const plans = queuesOf(topology).map((it) => [it, queueArguments(prefix, it), deadQueueArguments]);
  const digest = createHash("sha256").update(JSON.stringify(plans)).digest("base64url");
  return `${prefix}.declared.${digest.slice(0, 16)}`;
}

/**
 * Whether exactly this topology has been declared before. Declaring again takes hundreds of commands, which keep a
 * newly started RabbitMQ busy. A RabbitMQ that has lost its data has lost the marker too. If somebody deletes a
 * queue, its consumer notices, and so does the publisher of a returned message.
 * @throws when the connection is lost meanwhile
 */
export function isDeclared(model: ChannelModel, prefix: string, topology: Topology): Promise<boolean> {
  return hasExchange(model, markOf(prefix, topology));
}

/** Whether the exchange exists. @throws when the connection is lost meanwhile */
export async function hasExchange(model: ChannelModel, name: string): Promise<boolean> {
  const { channel, gone } = await openChannel(model);
  try {
    await channel.checkExchange(name);
  } catch (thrown) {
    if ((thrown as { code?: unknown }).code === NOT_FOUND) return false;
    throw thrown;
  }
  await closeChannel(channel, gone);
  return true;
}

export type QueueArguments = Readonly<Record<string, string | number | boolean>>;

/** The arguments that make a queue safe. `topology-check.ts` verifies them. */
export const queueArguments = (prefix: string, plan: QueuePlan): QueueArguments => ({
  "x-queue-type": "quorum",
  ...(plan.singleActiveConsumer ? { "x-single-active-consumer": true } : {}),
  "x-delivery-limit": DELIVERY_LIMIT,
  "x-consumer-disconnected-timeout": CONSUMER_AWAY_MS,
  "x-dead-letter-exchange": deadExchangeName(prefix),
  "x-dead-letter-routing-key": queueName(prefix, plan.name),
  "x-dead-letter-strategy": "at-least-once",
  "x-overflow": "reject-publish",
});

export const deadQueueArguments: QueueArguments = {
  "x-queue-type": "quorum",
  "x-delivery-limit": DEAD_DELIVERY_LIMIT,
};

async function declareQueue(channel: Channel, prefix: string, plan: QueuePlan): Promise<void> {
  const queue = queueName(prefix, plan.name);
  const dead = deadQueueName(queue);
  await channel.assertQueue(dead, { durable: true, arguments: deadQueueArguments });
  await channel.bindQueue(dead, deadExchangeName(prefix), queue);
  await channel.assertQueue(queue, { durable: true, arguments: queueArguments(prefix, plan) });
  const exchange = exchangeOf(prefix, plan);
  for (const binding of plan.bindings) await channel.bindQueue(queue, exchange, binding);
}

/** The exchange that the queue's bindings are to. */
export const exchangeOf = (prefix: string, { tap }: QueuePlan): string =>
  tap ? tapExchangeName(prefix) : exchangeName(prefix);

/**
 * Runs `declare` on `channel` or a new one. RabbitMQ may close a channel for a transient reason when nodes declare
 * the same queue at once. Then it is tried again on a new channel.
 * @returns the channel, for the next declaration
 * @throws at once when no channel can be opened, because the connection is lost then
 */
async function withRetries(
  model: ChannelModel,
  what: string,
  declare: (channel: Channel) => Promise<void>,
  channel?: DeclaringChannel,
): Promise<DeclaringChannel> {
  for (let attempt = 1; ; attempt++) {
    channel ??= await openChannel(model);
    try {
      await declare(channel.channel);
      return channel;
    } catch (thrown) {
      channel = undefined;
      const error = toError(thrown);
      const { code } = error as { code?: unknown };
      if (code === PRECONDITION_FAILED)
        throw new TopologyError(
          `${what} (or its dead queue) exists with other arguments than this version declares. ` +
            `Drain and delete it, or set another AMQP_PREFIX. RabbitMQ says: ${error.message}`,
          { cause: error },
        );
      if (code === ACCESS_REFUSED)
        throw new TopologyError(`${what} may not be declared by this user: ${error.message}`, {
          cause: error,
        });
      if (attempt === MAX_TRIES) throw error;
      await sleep(backoff(attempt, 2_000));
    }
  }
}

interface DeclaringChannel {
  readonly channel: Channel;
  /** Resolves when it is closed. */
  readonly gone: Promise<void>;
}

export async function openChannel(model: ChannelModel): Promise<DeclaringChannel> {
  const channel = await model.createChannel();
  const gone = new Promise<void>((resolve) => channel.once("close", resolve));
  // The pending declaration is rejected with the same error. An event without a listener would end the process.
  channel.on("error", () => undefined);
  return { channel, gone };
}
