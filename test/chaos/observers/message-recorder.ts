/** Consumes the recorder queue throughout, over every restart of RabbitMQ, and keeps which sequences each sender has sent. */
import { setTimeout as sleep } from "node:timers/promises";
import { type Channel, connect } from "amqplib";
import { partsOf } from "../../../broker/bus/amqp/batches.ts";
import { queueName, workerName } from "../../../broker/bus/topology.ts";
import { PREFIX } from "../cluster/cluster.ts";

const RECORDER_QUEUE = queueName(PREFIX, workerName("chaos", "recorder"));

export interface MessageRecorder {
  /** Sequences seen, by sender (`<actor type>/<id>`). */
  readonly seen: ReadonlyMap<string, ReadonlySet<number>>;
  /** Messages by type, repeats included. */
  readonly types: ReadonlyMap<string, number>;
  /** Messages seen, and how many of them had been seen before. */
  readonly counts: { messages: number; repeats: number };
  close(): Promise<void>;
}

const PREFETCH = 500;
const RECONNECT_MS = 250;

interface Stamp {
  id: string;
  type: string;
  sender?: string;
  sequence?: number;
}

/** @param url of RabbitMQ; the queue is declared by the nodes */
export function startMessageRecorder(url: string): MessageRecorder {
  const seen = new Map<string, Set<number>>();
  const types = new Map<string, number>();
  const counts = { messages: 0, repeats: 0 };
  let closed = false;
  let leave: () => void = () => undefined;

  function note({ type, sender, sequence }: Stamp): void {
    counts.messages++;
    types.set(type, (types.get(type) ?? 0) + 1);
    if (sender === undefined || sequence === undefined) return;
    const known = seen.get(sender) ?? new Set();
    seen.set(sender, known);
    if (known.has(sequence)) counts.repeats++;
    known.add(sequence);
  }

  async function consume(channel: Channel): Promise<void> {
    await channel.prefetch(PREFETCH);
    await channel.consume(RECORDER_QUEUE, (message) => {
      if (!message) return leave();
      for (const part of partsOf(message)) note(part.value() as Stamp);
      // Recorded in this process, which is not among those that are killed.
      channel.ack(message);
    });
  }

  async function session(): Promise<void> {
    const connection = await connect(url, { noDelay: true, timeout: 2_000 });
    const over = new Promise<void>((resolve) => {
      leave = resolve;
      connection.once("close", resolve);
    });
    // A failure ends the session, and another one follows.
    connection.on("error", () => leave());
    try {
      const channel = await connection.createChannel();
      channel.on("error", () => leave());
      channel.on("close", () => leave());
      await consume(channel);
      if (!closed) await over;
    } finally {
      await connection.close().catch(() => undefined);
    }
  }

  const running = (async () => {
    while (!closed) {
      // RabbitMQ is away, as intended.
      await session().catch(() => undefined);
      if (!closed) await sleep(RECONNECT_MS);
    }
  })();

  return {
    seen,
    types,
    counts,
    async close() {
      closed = true;
      leave();
      await running;
    },
  };
}
