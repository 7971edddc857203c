/**
 * The real servers of some suites. It uses those that already listen, else private ones from installed binaries. On
 * Debian, as root, it installs missing ones. RabbitMQ is private where it is installed, because the suites declare many
 * queues. Fails with one clear line when a server is not available.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connect as connectToQueues } from "amqplib";
import { freePort } from "../../../souk/testing/free-port.ts";
import { RABBIT_BINARIES, rabbitUrl, spawnRabbit } from "../rabbit/rabbit-process.ts";

export interface TestServers {
  /** Variables for the tests: AMQP_URL, REDIS_URL, NATS_URL. */
  env: Record<string, string>;
  stop(): Promise<void>;
}

const WORKS_WITHIN_MS = 10_000;

interface Server {
  name: string;
  variable: string;
  defaultUrl: string;
  binaries: readonly string[];
  debianPackage: string;
  launch(binary: string, port: number, dir: string): Promise<{ child: ChildProcess; url: string }>;
  startTimeoutMs: number;
  /** Whether a private one is preferred to one that listens, unless the variable names that. */
  preferPrivate?: boolean;
  /** Checks that a listening server works. Default: assumed. */
  works?(url: string): Promise<boolean>;
}

const servers: readonly Server[] = [
  {
    name: "RabbitMQ",
    variable: "AMQP_URL",
    defaultUrl: "amqp://guest:guest@127.0.0.1:5672",
    binaries: RABBIT_BINARIES,
    debianPackage: "rabbitmq-server",
    startTimeoutMs: 60_000,
    // A shop has 150 quorum queues. With those of several shops, a shared server may stop answering.
    preferPrivate: true,
    works: declaresQueues,
    async launch(binary, port, dir) {
      const place = { dir, nodeName: `souk-test-${process.pid}`, port, distPort: await freePort() };
      return { child: spawnRabbit(binary, place), url: rabbitUrl(place) };
    },
  },
  {
    name: "Redis",
    variable: "REDIS_URL",
    defaultUrl: "redis://127.0.0.1:6379",
    binaries: ["/usr/bin/redis-server", "/usr/local/bin/redis-server", "/opt/homebrew/bin/redis-server"],
    debianPackage: "redis-server",
    startTimeoutMs: 10_000,
    async launch(binary, port, dir) {
      const args = [
        "--bind",
        "127.0.0.1",
        "--port",
        String(port),
        "--save",
        "",
        "--appendonly",
        "no",
        "--dir",
        dir,
      ];
      return { child: spawn(binary, args, { stdio: "ignore" }), url: `redis://127.0.0.1:${port}` };
    },
  },
  {
    name: "NATS",
    variable: "NATS_URL",
    defaultUrl: "nats://127.0.0.1:4222",
    binaries: [
      "/usr/sbin/nats-server",
      "/usr/bin/nats-server",
      "/usr/local/bin/nats-server",
      "/opt/homebrew/bin/nats-server",
    ],
    debianPackage: "nats-server",
    startTimeoutMs: 10_000,
    async launch(binary, port, dir) {
      const args = ["-a", "127.0.0.1", "-p", String(port), "-js", "-sd", dir];
      return { child: spawn(binary, args, { stdio: "ignore" }), url: `nats://127.0.0.1:${port}` };
    },
  },
];

/** Finds or starts all servers. @throws Error naming the first server that can't be had */
export async function provideServers(print: (line: string) => void): Promise<TestServers> {
  const stops: (() => Promise<void>)[] = [];
  const env: Record<string, string> = {};
  const stop = async () => {
    await Promise.all(stops.map((it) => it()));
  };
  try {
    for (const server of servers) {
      const { url, stop: stopOne } = await provide(server, print);
      env[server.variable] = url;
      stops.push(stopOne);
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return { env, stop };
}

async function provide(
  server: Server,
  print: (line: string) => void,
): Promise<{ url: string; stop(): Promise<void> }> {
  const given = process.env[server.variable];
  const listening = given ?? server.defaultUrl;
  const isBetterOff = !given && server.preferPrivate === true && server.binaries.some(existsSync);
  const listens = !isBetterOff && (await answers(listening));
  const works = listens && (!server.works || (await server.works(listening)));
  if (listens && !works)
    print(`${server.name}: the one at ${withoutUser(listening)} listens and does not work`);
  if (works) {
    print(`${server.name}: using ${withoutUser(listening)}`);
    return { url: listening, stop: async () => undefined };
  }
  if (given) throw new Error(`${server.name}: nothing works at ${server.variable}`);
  const binary = binaryOf(server, print);
  const dir = await mkdtemp(join(tmpdir(), "souk-server-"));
  const port = await freePort();
  print(`${server.name}: starting a private one on port ${port}`);
  const { child, url } = await server.launch(binary, port, dir);
  const stop = async () => {
    if (child.exitCode === null) {
      const gone = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      await gone;
    }
    await rm(dir, { recursive: true, force: true });
  };
  const deadline = Date.now() + server.startTimeoutMs;
  while (!(await answers(url))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      await stop();
      throw new Error(`${server.name}: ${binary} does not start`);
    }
    await sleep(100);
  }
  return { url, stop };
}

const withoutUser = (url: string): string => url.replace(/\/\/[^/]*@/, "//");

/** A RabbitMQ with too many queues accepts connections and then never answers. */
async function declaresQueues(url: string): Promise<boolean> {
  const declared = (async () => {
    const connection = await connectToQueues(url, { timeout: WORKS_WITHIN_MS });
    connection.on("error", () => undefined);
    const channel = await connection.createChannel();
    await channel.assertQueue("", { exclusive: true });
    await connection.close();
    return true;
  })();
  // Whatever goes wrong, it does not work; what comes of it later is of no interest.
  return Promise.race([declared.catch(() => false), sleep(WORKS_WITHIN_MS, false, { ref: false })]);
}

const binaryOf = (server: Server, print: (line: string) => void): string =>
  server.binaries.find(existsSync) ?? install(server, print);

/** RabbitMQ's server binary, installed where it can be. @throws Error with one clear line */
export function rabbitBinary(print: (line: string) => void): string {
  const server = servers.find((it) => it.variable === "AMQP_URL");
  if (!server) throw new Error("RabbitMQ is not among the servers");
  return binaryOf(server, print);
}

function install(server: Server, print: (line: string) => void): string {
  if (!existsSync("/usr/bin/apt-get") || process.getuid?.() !== 0)
    throw new Error(`${server.name} is needed: set ${server.variable}, or install ${server.debianPackage}`);
  print(`${server.name}: installing ${server.debianPackage}`);
  try {
    execFileSync("apt-get", ["update", "-qq"], { stdio: "ignore" });
    execFileSync("apt-get", ["install", "-y", "-qq", server.debianPackage], {
      stdio: "ignore",
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    });
  } catch (cause) {
    throw new Error(`${server.name} is needed, and ${server.debianPackage} could not be installed`, {
      cause,
    });
  }
  const binary = server.binaries.find(existsSync);
  if (!binary)
    throw new Error(`${server.name}: ${server.debianPackage} is installed but has no server binary`);
  return binary;
}

function answers(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port), timeout: 1_000 });
    const done = (is: boolean) => {
      socket.destroy();
      resolve(is);
    };
    socket.once("connect", () => done(true));
    socket.once("error", () => done(false));
    socket.once("timeout", () => done(false));
  });
}
