/**
 * `npm run test:rabbit4 [-- SPEC…]`: the suites that need RabbitMQ, on the newest RabbitMQ with its defaults. Fetches
 * Debian sid's into a folder (root on Debian, needs debootstrap and the network; 400 MB, half a minute, kept for the
 * next time), and runs it from there. With RABBITMQ_SERVER set, that one is used and nothing is fetched.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { connect } from "amqplib";
import { eventually } from "../test/support/eventually.ts";
import { freePort } from "../test/support/free-port.ts";
import { rabbitUrl, spawnRabbit } from "../test/support/rabbit-process.ts";

const SUITE = "sid";
const CACHE = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "souk", `rabbitmq-${SUITE}`);
/** What the server inside has to see of the machine; `/tmp` has the folders that tests give it. */
const BINDS = ["/proc", "/dev", "/tmp"];
const TOOLS = ["rabbitmq-server", "rabbitmqctl", "rabbitmq-plugins"];
const START_MS = 90_000;
const SPECS = [
  "test/integration/bus/*.spec.ts",
  "test/integration/actor/amqp.spec.ts",
  "test/integration/node/*.spec.ts",
  "test/e2e/story-cluster.spec.ts",
  "test/e2e/dead-letters.spec.ts",
];

const given = process.env.RABBITMQ_SERVER;
const specs = process.argv.length > 2 ? process.argv.slice(2) : SPECS;
const mounted: string[] = [];
try {
  process.exitCode = await run(given ?? fetchRabbit());
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  for (const it of mounted.reverse()) execFileSync("umount", ["--lazy", it]);
}

/** @returns mocha's exit code */
async function run(binary: string): Promise<number> {
  const dir = await mkdtemp(join(tmpdir(), "souk-rabbit4-"));
  const place = {
    dir,
    nodeName: `souk-new-${process.pid}`,
    port: await freePort(),
    distPort: await freePort(),
  };
  const url = rabbitUrl(place);
  const rabbit = spawnRabbit(binary, place);
  try {
    console.log(`RabbitMQ ${await versionOf(url, rabbit)} at ${url.replace(/\/\/.*@/, "//")}`);
    const env = { ...process.env, AMQP_URL: url, RABBITMQ_SERVER: binary, NODE_ENV: "test" };
    const mocha = spawn("mocha", specs, { stdio: "inherit", env });
    // Ctrl-C goes to mocha as well, which ends; what was started here is then ended in order.
    process.on("SIGINT", () => undefined);
    process.on("SIGTERM", () => mocha.kill());
    const [code] = await once(mocha, "exit");
    return code ?? 1;
  } finally {
    if (rabbit.exitCode === null) {
      const gone = once(rabbit, "exit");
      rabbit.kill("SIGTERM");
      await gone;
    }
    await rm(dir, { recursive: true, force: true });
  }
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

/** @returns the path of a `rabbitmq-server` that runs in the fetched system. @throws Error with one clear line */
function fetchRabbit(): string {
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
    // A run that was killed leaves them; they serve this one, and go with it.
    if (!readFileSync("/proc/self/mounts", "utf8").includes(` ${at} `))
      execFileSync("mount", ["--bind", it, at]);
    mounted.push(at);
  }
  for (const tool of TOOLS) {
    const wrapper = join(CACHE, tool);
    writeFileSync(wrapper, `#!/bin/sh\nexec chroot ${root} /usr/lib/rabbitmq/bin/${tool} "$@"\n`);
    chmodSync(wrapper, 0o755);
  }
  return join(dirname(done), "rabbitmq-server");
}
