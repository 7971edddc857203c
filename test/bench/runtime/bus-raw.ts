/** The baseline: plain amqplib with confirms in a window, over queues declared like mailboxes. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Channel, ConfirmChannel, Options } from "amqplib";
import { connectToAny } from "../../../broker/bus/amqp/connect-once.ts";
import { declareTopology } from "../../../broker/bus/amqp/declare.ts";
import type { Topology } from "../../../broker/bus/bus.ts";
import { exchangeName, queueName, queuesOf } from "../../../broker/bus/topology.ts";

export interface RawOptions {
  url: string;
  prefix: string;
  /** Of one actor that receives one type. */
  topology: Topology;
  content: Buffer;
  /** As Souk sends them, so that the sizes are the same. */
  properties: Options.Publish;
  /** Unconfirmed at once. */
  window: number;
  prefetch: number;
}

export interface RawRound {
  /** Messages per second until the last confirm, while they are consumed. */
  confirmed: number;
  /** Messages per second until the last one was consumed, acked and confirmed. */
  consumed: number;
}

export interface RawBench {
  round(messages: number): Promise<RawRound>;
  close(): Promise<void>;
}

export async function startRaw({
  url,
  prefix,
  topology,
  content,
  properties,
  window,
  prefetch,
}: RawOptions): Promise<RawBench> {
  const [out, back] = await Promise.all([connectToAny(url), connectToAny(url)]);
  await declareTopology(back, prefix, topology);
  const queues = queuesOf(topology);
  const keys = queues.flatMap(({ bindings: [key] }) => key ?? []);
  const exchange = exchangeName(prefix);
  let consumed = 0;
  for (const { name } of queues) {
    const channel: Channel = await back.createChannel();
    await channel.prefetch(prefetch);
    await channel.consume(queueName(prefix, name), (message) => {
      if (!message) return;
      consumed++;
      channel.ack(message);
    });
  }
  const options = { ...properties, mandatory: true, persistent: true };
  const channel: ConfirmChannel = await out.createConfirmChannel();

  function publishAll(messages: number): Promise<void> {
    return new Promise((resolve, reject) => {
      let sent = 0;
      let open = 0;
      let confirmed = 0;
      channel.removeAllListeners("return");
      channel.on("return", () => reject(new Error("a message of the baseline found no queue")));
      const pump = () => {
        while (sent < messages && open < window) {
          open++;
          const key = keys[sent++ % keys.length] ?? "";
          channel.publish(exchange, key, content, options, (error) => {
            if (error) return reject(error);
            open--;
            if (++confirmed === messages) resolve();
            else pump();
          });
        }
      };
      pump();
    });
  }

  return {
    async round(messages) {
      consumed = 0;
      const started = performance.now();
      const perSecond = () => (messages / (performance.now() - started)) * 1_000;
      await publishAll(messages);
      const atConfirm = perSecond();
      while (consumed < messages) await sleep(2);
      return { confirmed: atConfirm, consumed: perSecond() };
    },
    async close() {
      await Promise.all([out.close(), back.close()]);
    },
  };
}
