/** The newest RabbitMQ that Debian has, in a folder, to test with. */

import type { ChildProcess } from "node:child_process";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "amqplib";
import { eventually } from "../../../souk/testing/eventually.ts";
import { freePort } from "../../../souk/testing/free-port.ts";
import { rabbitUrl, spawnRabbit } from "./rabbit-process.ts";

const SUITE = "sid";
const CACHE = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "souk", `rabbitmq-${SUITE}`);
/** What the server inside must see of the machine. `/tmp` has the folders that tests give it. */
const BINDS = ["/proc", "/dev", "/tmp"];
const TOOLS = ["rabbitmq-server", "rabbitmqctl", "rabbitmq-plugins"];
const START_MS = 90_000;

/**
 * Starts the newest RabbitMQ, works with it, and ends it.
 * @param given a `rabbitmq-server` to use instead of one that is fetched
 */
export async function withNewestRabbit<T>(
  given: string | undefined,
  work: (rabbit: { url: string; version: string; binary: string }) => Promise<T>,
): Promise<T> {
  const mounted: string[] = [];
  const dir = await mkdtemp(join(tmpdir(), "souk-rabbit4-"));
  try {
    const binary = given || fetchRabbit(mounted);
    const [port, distPort] = [await freePort(), await freePort()];
    const place = { dir, nodeName: `souk-new-${process.pid}`, port, distPort };
    const rabbit = spawnRabbit(binary, place);
    try {
      const url = rabbitUrl(place);
      return await work({ url, version: await versionOf(url, rabbit), binary });
    } finally {
      await end(rabbit);
    }
  } finally {
    await rm(dir, { recursive: true, force: true });
    for (const it of mounted.reverse()) execFileSync("umount", ["--lazy", it]);
  }
}

async function end(rabbit: ChildProcess): Promise<void> {
  if (rabbit.exitCode !== null) return;
  const gone = once(rabbit, "exit");
  rabbit.kill("SIGTERM");
  await gone;
}

async function versionOf(url: string, rabbit: ChildProcess): Promise<string> {
  return eventually(
    "the new RabbitMQ takes connections",
    async () => {
      if (rabbit.exitCode !== null) return `that ended with ${rabbit.exitCode}`;
      const connection = await connect(url);
      const { version } = connection.connection.serverProperties;
      await connection.close();
      return String(version);
    },
    START_MS,
  );
}

/**
 * Downloads Debian sid's RabbitMQ into a folder. It needs root on Debian, debootstrap and the network: 400 MB, half a
 * minute, kept for the next time.
 * @param mounted gets the folders of this machine that the downloaded system sees
 * @returns the path of a `rabbitmq-server` that runs in it
 * @throws Error with one clear line
 */
function fetchRabbit(mounted: string[]): string {
  const root = join(CACHE, "root");
  const done = join(CACHE, "done");
  if (process.getuid?.() !== 0 || !existsSync("/etc/debian_version"))
    throw new Error("test:rabbit4 needs root on Debian; elsewhere set RABBITMQ_SERVER to a rabbitmq-server");
  if (!existsSync("/usr/sbin/debootstrap"))
    throw new Error("test:rabbit4 needs debootstrap: apt-get install debootstrap");
  if (!existsSync(done)) {
    console.log(`fetching RabbitMQ of Debian ${SUITE} into ${root}`);
    execFileSync("rm", ["-rf", "--one-file-system", root]);
    mkdirSync(root, { recursive: true });
    execFileSync("debootstrap", ["--variant=minbase", "--include=rabbitmq-server", SUITE, root], {
      stdio: ["ignore", "ignore", "inherit"],
    });
    writeFileSync(done, "");
  }
  copyFileSync("/etc/hosts", join(root, "etc/hosts"));
  for (const it of BINDS) {
    const at = join(root, it);
    // A killed run leaves them. This run uses and removes them.
    if (!readFileSync("/proc/self/mounts", "utf8").includes(` ${at} `))
      execFileSync("mount", ["--bind", it, at]);
    mounted.push(at);
  }
  for (const tool of TOOLS) {
    const wrapper = join(CACHE, tool);
    writeFileSync(wrapper, `#!/bin/sh\nexec chroot ${root} /usr/lib/rabbitmq/bin/${tool} "$@"\n`);
    chmodSync(wrapper, 0o755);
  }
  return join(CACHE, "rabbitmq-server");
}
