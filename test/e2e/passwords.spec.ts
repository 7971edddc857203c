import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEmbeddedMongo } from "@souk/embedded-mongo";
import { eventually } from "../../souk/testing/eventually.ts";
import { freePort } from "../../souk/testing/free-port.ts";
import { deleteQueues } from "../support/rabbit/rabbit-cleanup.ts";
import { EMBEDDED, scriptArgs } from "../support/scripts/run-script.ts";
import { secretsIn } from "../support/secrets-in.ts";
import { type TcpProxy, tcpProxy } from "../support/servers/tcp-proxy.ts";

const AMQP_URL = process.env.AMQP_URL ?? "amqp://guest:guest@127.0.0.1:5672";
const ODD = "%3Bo'dd\"p@ss w/rd$";

/** A password as it is, and as URLs and JSON write it. */
const forms = (name: string, password: string): Record<string, string> => ({
  [name]: password,
  [`${name}, encoded`]: encodeURIComponent(password),
  [`${name}, in JSON`]: JSON.stringify(password).slice(1, -1),
});
const withPassword = (url: string, user: string, password: string, path = "") => {
  const { protocol, host } = new URL(url);
  return `${protocol}//${user}:${encodeURIComponent(password)}@${host}${path}`;
};

describe("No password is printed", function () {
  this.timeout(120_000);
  const passwords = {
    amqp: `amqp-${ODD}`,
    mongo: `mongo-${ODD}`,
    redis: `redis-${ODD}`,
    nats: `nats-${ODD}`,
  };
  const secrets = Object.assign({}, ...Object.entries(passwords).map(([name, it]) => forms(name, it)));
  const token = "a-bootstrap-token-that-is-given";
  const prefix = "test-passwords";
  let dir: string;

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "souk-passwords-"));
  });
  after(() => rm(dir, { recursive: true, force: true }));

  interface Run {
    child: ChildProcess;
    output(): string;
    ended: Promise<number | null>;
  }

  function start(script: string, args: readonly string[], env: Record<string, string>): Run {
    const own = { LOG_LEVEL: "trace", SEED_ON_START: "false", DATA_DIR: dir, HOME: dir };
    const child = spawn(process.execPath, [...scriptArgs(script), ...args], {
      env: { ...process.env, ...EMBEDDED, ...own, ...env },
      stdio: ["pipe", "pipe", "pipe"],
    });
    let text = "";
    for (const stream of [child.stdout, child.stderr])
      stream?.on("data", (chunk: Buffer) => {
        text += chunk.toString();
      });
    const ended = once(child, "exit").then(([code]) => code as number | null);
    return { child, output: () => text, ended };
  }
  const assertClean = (text: string) => {
    assert.ok(text.length > 50, text);
    assert.deepEqual(secretsIn(text, { ...secrets, token }), [], text);
  };
  /** SIGTERM, and the exit. */
  const end = async ({ child, ended }: Run) => {
    child.kill("SIGTERM");
    await ended;
  };

  it("by starts that are refused, wait, or are given nonsense", async () => {
    const nowhere = `127.0.0.1:${await freePort()}`;
    const closing = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.end("-ERR no\r\n");
    }).listen(0, "127.0.0.1");
    await once(closing, "listening");
    const port = String(await freePort());
    const store = await startEmbeddedMongo({ dir: join(dir, "scram"), sync: "normal", listen: { port: 0 } });
    const mongo = withPassword(
      store.uri,
      "souk",
      passwords.mongo,
      "/?directConnection=true&authSource=admin",
    );
    try {
      const runs: [env: Record<string, string>, line: RegExp][] = [
        [
          { AMQP_URL: withPassword(AMQP_URL, "souk", passwords.amqp, "/none") },
          /AMQP_URL: .*refuses the user souk/,
        ],
        [{ MONGO_URL: mongo }, /MONGO_URL: MongoDB refuses the user/],
        [
          { REDIS_URL: withPassword("redis://127.0.0.1:6379", "souk", passwords.redis) },
          /REDIS_URL: .*refuses the user/,
        ],
        [
          { MONGO_URL: withPassword(`mongodb://${nowhere}`, "u", passwords.mongo, "/") },
          /waiting for MongoDB/,
        ],
        [{ AMQP_URL: withPassword(`amqp://${nowhere}`, "u", passwords.amqp) }, /waiting for RabbitMQ/],
        [{ TRANSPORTER: withPassword(`nats://${nowhere}`, "u", passwords.nats) }, /NATS error/],
        [{ TRANSPORTER: withPassword(`foo://${nowhere}`, "u", passwords.nats) }, /TRANSPORTER: must be/],
        [
          { REDIS_URL: withPassword(`redis://${nowhere}`, "u", passwords.redis, "/carts") },
          /REDIS_URL: must end/,
        ],
        [{ AMQP_URL: `amqp://u:${passwords.amqp}@one,two` }, /AMQP_URL: must be/],
      ];
      for (const [index, [env, line]] of runs.entries()) {
        const DATA_DIR = join(dir, `data-${index}`);
        const run = start("start", [], { PORT: port, BOOTSTRAP_TOKEN: token, DATA_DIR, ...env });
        await eventually(`${line}`, () => line.test(run.output()), 20_000).catch((error: Error) => {
          throw new Error(`${error.message}; it printed:\n${run.output()}`);
        });
        await end(run);
        assertClean(run.output());
      }
    } finally {
      await store.close();
      closing.close();
    }
  });

  describe("by the REPL", () => {
    let proxy: TcpProxy;
    before(async () => {
      proxy = await tcpProxy(AMQP_URL);
    });
    after(async () => {
      await proxy.close();
      await deleteQueues(AMQP_URL, prefix);
    });

    it("that shows its settings and environment, calls what knows them, and loses its servers", async () => {
      const { password } = new URL(AMQP_URL);
      const run = start("repl", [], {
        // RabbitMQ's real password is too common a word to be looked for; the second address has an odd one.
        AMQP_URL: `${proxy.via(AMQP_URL)},${withPassword("amqp://127.0.0.1:1", "souk", passwords.amqp)}`,
        REDIS_URL: withPassword(`redis://127.0.0.1:${await freePort()}`, "souk", passwords.redis),
        MONGO_URL: withPassword("mongodb://127.0.0.1:1", "souk", passwords.mongo, "/"),
        AMQP_PREFIX: prefix,
        NAMESPACE: prefix,
        BOOTSTRAP_TOKEN: token,
        LOG_LEVEL: "debug",
      });
      try {
        await eventually("the prompt", () => run.output().includes("mol $"), 60_000);
        for (const command of ["info", "env", "nodes -d", "call $node.options", "call $node.health"]) {
          const before = run.output().length;
          run.child.stdin?.write(`${command}\n`);
          await eventually(`${command} is done`, () => run.output().slice(before).includes("mol $"));
        }
        assert.match(run.output(), /Broker options/);
        assert.match(run.output(), /BOOTSTRAP_TOKEN/);
        assert.match(run.output(), /addresses\s*: .*amqp:\/\/\w+:\*\*\*@/);
        proxy.refuse();
        await eventually(
          "it says so",
          () => /calls wait for RabbitMQ|calls to RabbitMQ is lost/.test(run.output()),
          20_000,
        );
        proxy.allow();
        assertClean(run.output());
        assert.ok(!run.output().includes(`:${password}@`));
        run.child.stdin?.end();
        assert.equal(await run.ended, 0);
      } finally {
        if (run.child.exitCode === null) await end(run);
      }
    });
  });
});
