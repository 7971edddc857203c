/** A private RabbitMQ for a test, which may run it out of memory. All its declarations are gone afterwards. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rabbitBinary } from "../servers/servers.ts";
import { startRabbitCluster } from "./rabbit-cluster.ts";

export interface PrivateRabbit {
  readonly url: string;
  /** From now on RabbitMQ blocks publishers, or accepts messages again. */
  alarm(on: boolean): Promise<void>;
  stop(): Promise<void>;
}

/** Shares of the machine's memory: what RabbitMQ has already, and its default. */
const [TOO_LITTLE, ENOUGH] = ["0.00001", "0.4"];

/** @param name of its folder */
export async function privateRabbit(name: string): Promise<PrivateRabbit> {
  const dir = await mkdtemp(join(tmpdir(), `souk-${name}-`));
  const remove = () => rm(dir, { recursive: true, force: true, maxRetries: 5 });
  try {
    const rabbit = await startRabbitCluster(
      rabbitBinary(() => undefined),
      dir,
      1,
    );
    return {
      url: rabbit.urls[0] ?? "",
      async alarm(on) {
        await rabbit.ctl(0, "set_vm_memory_high_watermark", on ? TOO_LITTLE : ENOUGH);
      },
      async stop() {
        await rabbit.stop();
        await remove();
      },
    };
  } catch (error) {
    await remove();
    throw error;
  }
}
