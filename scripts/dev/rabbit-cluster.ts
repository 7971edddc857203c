/**
 * `npm run rabbit-cluster [-- --nodes N]`: a RabbitMQ cluster on this machine, to try the failure of a node. Prints
 * AMQP_URL and the processes. A killed node is started again. Ends on Ctrl-C.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startRabbitCluster } from "../../test/support/rabbit/rabbit-cluster.ts";
import { rabbitBinary } from "../../test/support/servers/servers.ts";
import { command, wholeNumber } from "../support/command.ts";

/** Long enough to see what the shop does meanwhile. */
const RESTART_AFTER_MS = 15_000;

const { nodes: size } = command(
  "rabbit-cluster",
  "Runs a RabbitMQ cluster on this machine and prints its AMQP_URL. A killed node is started again.",
)
  .option("--nodes <n>", "of RabbitMQ", wholeNumber(1, 7), 3)
  .parse()
  .opts();

const stopping = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => stopping.abort());
const dir = await mkdtemp(join(tmpdir(), "souk-rabbits-"));
try {
  const binary = rabbitBinary(console.log);
  console.log(`starting ${size} nodes of RabbitMQ, some 20 s`);
  const cluster = await startRabbitCluster(binary, dir, size);
  const tell = (node: number) => console.log(`${cluster.names[node]} runs as process ${cluster.pid(node)}`);
  const restart = async (node: number) => {
    console.log(`${cluster.names[node]} is gone, started again in ${RESTART_AFTER_MS / 1_000} s`);
    await sleep(RESTART_AFTER_MS, undefined, { signal: stopping.signal });
    await cluster.start(node);
    tell(node);
  };
  cluster.onExit((node) => {
    restart(node).catch((error: Error) => {
      // A node that ends during its start ends once more, and so comes here again.
      if (!stopping.signal.aborted) console.error(error.message);
    });
  });
  for (const node of cluster.names.keys()) tell(node);
  console.log(`AMQP_URL=${cluster.urls.join(",")}`);
  if (!stopping.signal.aborted)
    await new Promise((resolve) => {
      // Keeps the process running. The nodes' own handles do not count once they have ended.
      const alive = setInterval(() => undefined, 60_000);
      stopping.signal.addEventListener("abort", () => {
        clearInterval(alive);
        resolve(undefined);
      });
    });
  await cluster.stop();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  await rm(dir, { recursive: true, force: true });
}
