/** A private Redis with a replica, and a Sentinel that makes the replica the master when the master dies. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { eventually } from "../../../souk/testing/eventually.ts";
import { freePort } from "../../../souk/testing/free-port.ts";

export interface RedisPair {
  /** For REDIS_URL. */
  readonly url: string;
  readonly master: Redis;
  readonly replica: Redis;
  /** From now on, what the master writes does not reach the replica. */
  sever(): Promise<void>;
  /** As `kill -9`. */
  killMaster(): void;
  stop(): Promise<void>;
}

const NAME = "souk-test";

export async function startRedisPair(): Promise<RedisPair> {
  const dir = await mkdtemp(join(tmpdir(), "souk-redis-"));
  const [first, second, third] = [await freePort(), await freePort(), await freePort()];
  const children: ChildProcess[] = [];
  const launch = (...args: string[]) => {
    const child = spawn("redis-server", args, { stdio: "ignore" });
    children.push(child);
    return child;
  };
  const local = ["--bind", "127.0.0.1", "--save", "", "--dir", dir];
  const master = launch("--port", String(first), ...local);
  launch("--port", String(second), ...local, "--replicaof", `127.0.0.1 ${first}`);
  const connect = (port: number) => {
    const redis = new Redis(port, "127.0.0.1", { maxRetriesPerRequest: null });
    redis.on("error", () => undefined);
    return redis;
  };
  const connections = { master: connect(first), replica: connect(second) };
  await eventually("the replica follows", async () =>
    (await connections.replica.info("replication")).includes("master_link_status:up"),
  );
  const settings = join(dir, "sentinel.conf");
  await writeFile(
    settings,
    [
      `port ${third}`,
      "bind 127.0.0.1",
      `sentinel monitor ${NAME} 127.0.0.1 ${first} 1`,
      `sentinel down-after-milliseconds ${NAME} 500`,
      `sentinel failover-timeout ${NAME} 5000`,
      "",
    ].join("\n"),
  );
  launch(settings, "--sentinel");
  const sentinel = connect(third);
  await eventually("the Sentinel knows both", async () => {
    const replicas = await sentinel.call("SENTINEL", "replicas", NAME);
    return Array.isArray(replicas) && replicas.length === 1;
  });
  sentinel.disconnect();

  return {
    url: `redis+sentinel://127.0.0.1:${third}/${NAME}`,
    ...connections,
    async sever() {
      await connections.master.call("ACL", "SETUSER", "default", "-psync", "-sync");
      await connections.master.call("CLIENT", "KILL", "TYPE", "replica");
    },
    killMaster: () => void master.kill("SIGKILL"),
    async stop() {
      connections.master.disconnect();
      connections.replica.disconnect();
      for (const child of children) child.kill("SIGKILL");
      await rm(dir, { recursive: true, force: true });
    },
  };
}
