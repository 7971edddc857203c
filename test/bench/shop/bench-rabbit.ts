/** A RabbitMQ for benches alone: nothing else uses it, and its counters and CPU time are those of the bench. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectToAny } from "../../../broker/bus/amqp/connect-once.ts";
import { startRabbitCluster } from "../../support/rabbit/rabbit-cluster.ts";
import { rabbitBinary } from "../../support/servers/servers.ts";

export interface RabbitCounters {
  /** Messages that clients have published. */
  received: number;
  /** Those of them that the publisher wanted confirmed. */
  confirmed: number;
  /** Messages that were handed to consumers. */
  delivered: number;
}

export interface BenchRabbit {
  readonly url: string;
  readonly pid: number;
  /** Null where this version of RabbitMQ does not count them. */
  counters(): Promise<RabbitCounters | null>;
  /** Deletes all queues and exchanges. */
  clear(): Promise<void>;
  stop(): Promise<void>;
}

/** RabbitMQ counts by protocol, and deliveries by type of queue too. */
const COUNTERS =
  'io:format("~p ~p ~p", [lists:sum([maps:get(K, M, 0) || M <- maps:values(rabbit_global_counters:overview())])' +
  " || K <- [messages_received_total, messages_confirmed_total, messages_delivered_total]]).";

export async function startBenchRabbit(print: (line: string) => void): Promise<BenchRabbit> {
  const binary = rabbitBinary(print);
  const dir = await mkdtemp(join(tmpdir(), "souk-bench-rabbit-"));
  const remove = () => rm(dir, { recursive: true, force: true, maxRetries: 5 });
  const rabbit = await startRabbitCluster(binary, dir, 1).catch(async (error: unknown) => {
    await remove();
    throw error;
  });
  const url = rabbit.urls[0] ?? "";
  const names = async (what: string): Promise<string[]> => {
    const listed = await rabbit.ctl(0, what, "--formatter", "json", "name");
    return (JSON.parse(listed) as { name: string }[]).map((it) => it.name);
  };
  return {
    url,
    pid: rabbit.pid(0) ?? 0,
    counters: async () => parseCounters(await rabbit.ctl(0, "eval", COUNTERS).catch(() => "")),
    async clear() {
      const [queues, exchanges] = [await names("list_queues"), await names("list_exchanges")];
      const connection = await connectToAny(url);
      try {
        const channel = await connection.createChannel();
        for (const it of queues) await channel.deleteQueue(it);
        for (const it of exchanges) if (!isBuiltIn(it)) await channel.deleteExchange(it);
      } finally {
        await connection.close();
      }
    },
    async stop() {
      await rabbit.stop();
      await remove();
    },
  };
}

const isBuiltIn = (exchange: string): boolean => exchange === "" || exchange.startsWith("amq.");

/** The three numbers that {@link COUNTERS} prints; RabbitMQ adds what the expression returns. */
export function parseCounters(printed: string): RabbitCounters | null {
  const found = /(\d+) (\d+) (\d+)/.exec(printed)?.slice(1).map(Number);
  if (!found) return null;
  const [received = 0, confirmed = 0, delivered = 0] = found;
  return { received, confirmed, delivered };
}
