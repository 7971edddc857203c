/** A RabbitMQ of a test's own, which it may drive out of memory, with all that it has declared gone afterwards. */
import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { connectToAny } from "../../broker/bus/amqp/connect-once.ts";
import { eventually } from "./eventually.ts";
import { freePort } from "./free-port.ts";
import { rabbitEnvironment, rabbitUrl, spawnRabbit } from "./rabbit-process.ts";
import { rabbitBinary } from "./servers.ts";

export interface PrivateRabbit {
  readonly url: string;
  /** From now on RabbitMQ takes nothing from who publishes, or takes it again. */
  alarm(on: boolean): Promise<void>;
  stop(): Promise<void>;
}

const START_MS = 90_000;
/** Shares of the machine's memory: what RabbitMQ has already, and its default. */
const [TOO_LITTLE, ENOUGH] = ["0.00001", "0.4"];

/** @param name of the node, unique on this machine with the process' id */
export async function privateRabbit(name: string): Promise<PrivateRabbit> {
  const dir = await mkdtemp(join(tmpdir(), `souk-${name}-`));
  const [port, distPort] = [await freePort(), await freePort()];
  const place = { dir, nodeName: `souk-${name}-${process.pid}`, port, distPort };
  const binary = rabbitBinary(() => undefined);
  const child = spawnRabbit(binary, place);
  const url = rabbitUrl(place);
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      const gone = once(child, "exit");
      child.kill("SIGTERM");
      await gone;
    }
    await rm(dir, { recursive: true, force: true, maxRetries: 5 });
  };
  const isUp = async () => {
    const connection = await connectToAny(url).catch(() => undefined);
    await connection?.close();
    return connection !== undefined;
  };
  try {
    await eventually("RabbitMQ is up", isUp, START_MS);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    url,
    stop,
    async alarm(on) {
      const args = ["set_vm_memory_high_watermark", on ? TOO_LITTLE : ENOUGH];
      await promisify(execFile)(join(dirname(binary), "rabbitmqctl"), args, {
        env: rabbitEnvironment(place),
        timeout: 30_000,
      });
    },
  };
}
