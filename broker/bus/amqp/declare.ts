/** Declares exchanges, queues and bindings on RabbitMQ: idempotent, by many nodes at once, over several channels. */

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
} from "../topology.ts";
import { closeChannel } from "./close-channel.ts";

/** A channel has one declaration under way at a time; more channels pipeline them. */
const CHANNELS = 16;
const MAX_TRIES = 8;
/** A backstop: RabbitMQ 3.x counts every crash and hand-over of a consumer, for each message it had not acked. */
const DELIVERY_LIMIT = 200;
/**
 * Milliseconds that RabbitMQ from 4.3 on leaves messages to a consumer whose RabbitMQ node is gone, and the single
 * active consumer active; its default of a minute stops every mailbox so long. Older ones wait for nothing.
 */
const CONSUMER_AWAY_MS = 1_000;
/** Dead queues are looked at by hand, and 4.x would drop a message after its default of 20 looks. */
const DEAD_DELIVERY_LIMIT = 1_000_000;

const PRECONDITION_FAILED = 406;
const ACCESS_REFUSED = 403;
const NOT_FOUND = 404;

/** A queue or exchange that exists with other arguments, or may not be declared. Trying again does not help. */
export class TopologyError extends Error {
  override readonly name = "TopologyError";
}

/**
 * Declares everything, and in the end an exchange that says so: see {@link isDeclared}.
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
    // Nothing is published to it. So bound it goes with the exchange that all queues hang on.
    await channel.bindExchange(exchangeName(prefix), mark, "");
  });
}

/** Name of the exchange that stands for a topology: another one where anything that is declared differs. */
function markOf(prefix: string, topology: Topology): string {
  const plans = queuesOf(topology).map((it) => [it, queueArguments(prefix, it), deadQueueArguments]);
  const digest = createHash("sha256").update(JSON.stringify(plans)).digest("base64url");
  return `${prefix}.declared.${digest.slice(0, 16)}`;
}

/**
 * Whether all of this has been declared here once: to do it again is hundreds of commands, which keep a RabbitMQ busy that
 * has just started. One that has lost its data has lost the mark, too; a queue that somebody has deleted is missed by its
 * consumer, and by a message that comes back.
 * @throws when the connection is lost meanwhile
 */
export function isDeclared(model: ChannelModel, prefix: string, topology: Topology): Promise<boolean> {
  return hasExchange(model, markOf(prefix, topology));
}

/** Whether there is such an exchange. @throws when the connection is lost meanwhile */
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

/** What makes a queue safe; see `topology-check.ts` for who looks whether it is so. */
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
  for (const binding of plan.bindings) await channel.bindQueue(queue, exchangeName(prefix), binding);
}

/**
 * Runs `declare` on `channel` or a new one. Nodes that declare the same queue at once can make RabbitMQ close a
 * channel for reasons that pass; those are tried again on a new channel.
 * @returns the channel, for the next declaration
 * @throws at once when no channel can be opened, as the connection is gone then
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
  // The pending declaration is rejected with the same error; the event needs a listener all the same.
  channel.on("error", () => undefined);
  return { channel, gone };
}
