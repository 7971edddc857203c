/** Reads and empties dead queues, for operators: one port for RabbitMQ and the embedded store. */
import { setTimeout as sleep } from "node:timers/promises";
import type { ChannelModel, ConfirmChannel, GetMessage, Options } from "amqplib";
import { type Part, partsOf, SINGLE_TYPE } from "./amqp/batches.ts";
import { connectToAny } from "./amqp/connect-once.ts";
import { readDeadHeaders } from "./amqp/dead-headers.ts";
import type { Topology } from "./bus.ts";
import type { Failure } from "./failure.ts";
import type { DeadLetterStore } from "./local/dead-letters.ts";
import { deadQueueName, queueName, queuesOf, tapName } from "./topology.ts";

/** A dead message as shown to an operator. */
export interface DeadEntry {
  /** Message id. Empty for bytes that are no message. */
  readonly id: string;
  readonly error: Failure | undefined;
  readonly attempts: number | undefined;
  /** When it was moved to the dead queue, ISO 8601. */
  readonly time: string | undefined;
  /** The message as JSON text, where it is JSON. */
  readonly content: string;
}

export interface DeadQueues {
  /** Queues (without prefix) that have dead messages. */
  list(): Promise<{ queue: string; count: number }[]>;
  /** The oldest `limit` messages. They stay in the queue. */
  show(queue: string, limit: number): Promise<DeadEntry[]>;
  /**
   * Sends messages back to the queue they came from, and to no other, under their own ids. Each leaves the dead queue
   * only when it is safe in the other one. Sends all of them unless `ids` are given. @returns how many
   */
  replay(queue: string, ids?: readonly string[]): Promise<number>;
  /** Deletes messages: all of the queue unless `ids` are given. @returns how many */
  drop(queue: string, ids?: readonly string[]): Promise<number>;
  close(): Promise<void>;
}

/** @throws Error with the names of the existing queues */
export function checkQueueName(topology: Topology, prefix: string, given: string): string {
  const known = queuesOf(topology).map((it) => it.name);
  const bare = given.replace(/\.dead$/, "");
  for (const name of [bare, bare.startsWith(`${prefix}.`) ? bare.slice(prefix.length + 1) : bare])
    if (known.includes(name)) return name;
  const all = [
    ...topology.mailboxes.map(({ actor, partitions }) => `${actor}.0 to ${actor}.${partitions - 1}`),
    ...topology.workers.map(({ service, worker }) => `${service}.${worker}`),
    ...topology.taps.map(tapName),
  ];
  throw new Error(`there is no queue ${given}; there are ${all.join(", ")}`);
}

/** For embedded mode. The shop that runs on the store performs a replay, now or at its next start. */
export function storedDeadQueues(store: DeadLetterStore, close: () => Promise<void>): DeadQueues {
  return {
    list: () => store.queues(),
    async show(queue, limit) {
      const letters = await store.list(queue, limit);
      return letters.map(({ message, error, attempts, at }) => ({
        id: message.id,
        error,
        attempts,
        time: at.toISOString(),
        content: JSON.stringify(message),
      }));
    },
    replay: (queue, ids) => store.requestReplay(queue, ids),
    drop: (queue, ids) => store.drop(queue, ids),
    close,
  };
}

/** For RabbitMQ. @throws when it can't be reached */
export async function amqpDeadQueues(url: string, prefix: string, topology: Topology): Promise<DeadQueues> {
  const connection = await connectToAny(url);
  const deadOf = (queue: string) => deadQueueName(queueName(prefix, queue));

  return {
    async list() {
      const counts: { queue: string; count: number }[] = [];
      for (const { name } of queuesOf(topology)) {
        const count = await countOf(connection, deadOf(name));
        if (count > 0) counts.push({ queue: name, count });
      }
      return counts;
    },
    async show(queue, limit) {
      const found: DeadEntry[] = [];
      await walk(connection, deadOf(queue), limit, async (parts, message) => {
        found.push(...parts.map((it) => entryOf(message, it)));
        return [];
      });
      return found.slice(0, limit);
    },
    replay: (queue, ids) =>
      walk(
        connection,
        deadOf(queue),
        Number.POSITIVE_INFINITY,
        async (parts, { content, properties }, send) => {
          const wanted = parts.filter((it) => isChosen(it, ids));
          const { messageId, contentType } = properties;
          const whole = wanted.length === parts.length;
          if (whole) await send(queueName(prefix, queue), content, { messageId, contentType });
          else for (const it of wanted) await send(queueName(prefix, queue), it.content(), singleOf(it));
          return wanted;
        },
      ),
    drop: (queue, ids) =>
      walk(connection, deadOf(queue), Number.POSITIVE_INFINITY, async (parts) =>
        parts.filter((it) => isChosen(it, ids)),
      ),
    close: () => connection.close(),
  };
}

const isChosen = ({ id }: Part, ids: readonly string[] | undefined): boolean =>
  ids === undefined || ids.includes(id);

const singleOf = ({ id }: Part) => ({ messageId: id, contentType: SINGLE_TYPE });

function entryOf(message: GetMessage, part: Part): DeadEntry {
  const headers: Record<string, unknown> = message.properties.headers ?? {};
  const note = readDeadHeaders(headers);
  const [death] = Array.isArray(headers["x-death"]) ? headers["x-death"] : [];
  return {
    id: part.id,
    error:
      note?.error ??
      (death ? { name: "RabbitMQ", message: `dead-lettered: ${String(death.reason)}` } : undefined),
    attempts: note?.attempts,
    time: note?.time,
    content: part.content().toString(),
  };
}

/** Resolves when the message is safe in the queue. @throws where there is no such queue */
type Send = (
  queue: string,
  content: Buffer,
  properties: Pick<Options.Publish, "messageId" | "contentType" | "headers">,
) => Promise<void>;

function sendOver(channel: ConfirmChannel): Send {
  let returned = false;
  channel.on("return", () => {
    returned = true;
  });
  return async (queue, content, properties) => {
    const options = { mandatory: true, persistent: true, ...properties };
    await new Promise<void>((resolve, reject) => {
      channel.publish("", queue, content, options, (error) => (error ? reject(error) : resolve()));
    });
    if (returned) throw new Error(`queue ${queue} is gone`);
  };
}

/** Number of messages in a queue, a batch counting as one. 0 where it is not declared yet. */
async function countOf(connection: ChannelModel, queue: string): Promise<number> {
  const channel = await connection.createChannel();
  channel.on("error", () => undefined);
  try {
    const { messageCount } = await channel.checkQueue(queue);
    await channel.close();
    return messageCount;
  } catch (error) {
    if ((error as { code?: unknown }).code === 404) return 0;
    throw error;
  }
}

/**
 * Reads what is in the queue now, one AMQP message after the other. Removes the messages that `visit` returns. The
 * others return in order when the channel is closed, also when `visit` throws. The rest of a batch goes to the end.
 * @returns how many messages were removed
 */
async function walk(
  connection: ChannelModel,
  queue: string,
  limit: number,
  visit: (parts: readonly Part[], message: GetMessage, send: Send) => Promise<readonly Part[]>,
): Promise<number> {
  let left = Math.min(limit, await countOf(connection, queue));
  if (left === 0) return 0;
  const channel = await connection.createConfirmChannel();
  channel.on("error", () => undefined);
  const send = sendOver(channel);
  let untouched = 0;
  let removed = 0;
  try {
    for (; left > 0; left--) {
      const message = await channel.get(queue);
      if (!message) break;
      untouched++;
      const parts = partsOf(message);
      const gone = await visit(parts, message, send);
      if (gone.length === 0) continue;
      const { headers } = message.properties;
      const rest = parts.filter((it) => !gone.includes(it));
      for (const it of rest) await send(queue, it.content(), { ...singleOf(it), headers });
      channel.ack(message);
      untouched--;
      removed += gone.length;
    }
  } finally {
    await channel.close();
    await backInQueue(connection, queue, untouched);
  }
  return removed;
}

/** Waits for the messages of a closed channel. They return a moment later, and are not visible until then. */
async function backInQueue(connection: ChannelModel, queue: string, count: number): Promise<void> {
  // The wait is bounded, because another consumer may take them at once.
  for (let polls = 0; polls < 100 && (await countOf(connection, queue)) < count; polls++) await sleep(20);
}
