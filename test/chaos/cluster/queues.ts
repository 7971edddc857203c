/** The contents of RabbitMQ's queues, from its own tool. AMQP does not show messages that a consumer holds. */
import { execFile } from "node:child_process";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { type RabbitPlace, rabbitEnvironment } from "../../support/rabbit/rabbit-process.ts";

export interface QueueState {
  name: string;
  messages_ready: number;
  messages_unacknowledged: number;
}

const TOOL_TIMEOUT_MS = 30_000;

/** @param binary of `rabbitmq-server`. @throws while RabbitMQ is away */
export async function queueStates(binary: string, place: RabbitPlace): Promise<QueueState[]> {
  const { stdout } = await promisify(execFile)(
    join(dirname(binary), "rabbitmqctl"),
    ["-q", "--formatter", "json", "list_queues", "name", "messages_ready", "messages_unacknowledged"],
    { env: rabbitEnvironment(place), timeout: TOOL_TIMEOUT_MS, maxBuffer: 16 * 1024 * 1024 },
  );
  return JSON.parse(stdout) as QueueState[];
}

/** The shop's queues that are not empty, in words. @param names of the queues that count */
export function notEmpty(states: readonly QueueState[], names: ReadonlySet<string>): string[] {
  return states.flatMap(({ name, messages_ready: ready, messages_unacknowledged: unacked }) =>
    names.has(name) && ready + unacked > 0 ? [`${name}: ${ready} waiting, ${unacked} held unacked`] : [],
  );
}
