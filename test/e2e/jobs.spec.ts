import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rememberShop, shopEnvironment } from "../../scripts/support/shop-servers.ts";
import { EMBEDDED, runScript } from "../support/scripts/run-script.ts";
import { type ScriptRun, startScript } from "../support/scripts/start-script.ts";

const REDIS_URL = process.env.REDIS_URL ?? "redis://127.0.0.1:6379";

describe("Commands beside a shop", function () {
  this.timeout(60_000);
  let dir: string;

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "souk-jobs-"));
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  const run = (script: string, args: readonly string[], env: Record<string, string> = {}) =>
    runScript(script, args, { ...EMBEDDED, DATA_DIR: dir, ...env });

  it("end with REDIS_URL set, and say on standard error which servers they looked at", async () => {
    for (const [script, args, found] of [
      ["migrate", ["up"], /applied/],
      ["migrate", ["status", "orders"], /orders: /],
      ["seed", ["--count", "3"], /added 3 products/],
      ["dlq", ["list"], /no dead messages/],
    ] as const) {
      const { code, stdout, stderr } = await run(script, args, { REDIS_URL });
      assert.equal(code, 0, stderr);
      assert.match(stdout, found);
      assert.match(
        stderr,
        /^servers: no RabbitMQ, embedded store in .*, Redis redis:.*; as the environment says$/m,
      );
      assert.doesNotMatch(stdout, /servers:/);
    }
  });

  it("end with 1 and one line where there is nothing to work on", async () => {
    for (const [script, args, line] of [
      ["dlq", ["list"], /^DATA_DIR: there is no shop in .*; AMQP_URL and MONGO_URL name one elsewhere$/],
      ["topology", [], /^AMQP_URL: is not set, and no shop with RabbitMQ has run on DATA_DIR /],
      ["repl", [], /^AMQP_URL: is not set, and no shop with RabbitMQ has run on DATA_DIR /],
    ] as const) {
      const { code, stderr } = await run(script, args);
      assert.equal(code, 1);
      const lines = stderr.trimEnd().split("\n");
      assert.equal(lines.length, 2, stderr);
      assert.match(lines[1] ?? "", line);
    }
  });

  it("end where a server refuses them, with one line and without the password", async () => {
    for (const [script, args] of [
      ["dlq", ["list"]],
      ["topology", []],
    ] as const) {
      const AMQP_URL = new URL(process.env.AMQP_URL ?? "amqp://guest:guest@127.0.0.1:5672");
      AMQP_URL.password = "a-wrong-one";
      const { code, stdout, stderr } = await run(script, args, { AMQP_URL: AMQP_URL.href });
      assert.equal(code, 1);
      assert.doesNotMatch(stdout + stderr, /a-wrong-one|^\s+at /m);
      assert.match(stderr, /\nAMQP_URL: RabbitMQ at .* refuses the user \w+: wrong name or password\n$/);
    }
  });

  describe("find the shop on DATA_DIR:", () => {
    let shop: ScriptRun | undefined;
    afterEach(() => shop?.stop());

    it("one that runs", async () => {
      shop = await startScript("start", { dataDir: dir, env: { SEED_COUNT: "5", AMQP_PREFIX: "mine" } });
      const { mode } = await stat(join(dir, "shop.json"));
      assert.equal(mode & 0o777, 0o600);
      assert.deepEqual(JSON.parse(await readFile(join(dir, "shop.json"), "utf8")), { AMQP_PREFIX: "mine" });
      const { stdout, stderr } = await run("seed", ["--count", "5"]);
      assert.match(stdout, /5 were there already/);
      assert.match(stderr, /; as .*shop\.json says/);
      assert.equal((await run("dlq", ["list"])).code, 0);
    });

    it("its servers where the environment names none, or the same; otherwise the environment counts", () => {
      const theirs = { AMQP_URL: "amqp://u:p@one", AMQP_PREFIX: "mine", REDIS_URL: "redis://one/1" };
      rememberShop(dir, { ...theirs, HOME: "/root", JWT_PRIVATE_KEY: "no" });
      const found = (env: NodeJS.ProcessEnv) => shopEnvironment({ DATA_DIR: dir, ...env }).env;
      assert.deepEqual(found({}), { DATA_DIR: dir, ...theirs });
      assert.deepEqual(found({ AMQP_URL: "" }), { DATA_DIR: dir, ...theirs });
      assert.deepEqual(found({ AMQP_URL: theirs.AMQP_URL, REDIS_URL: "redis://two" }), {
        DATA_DIR: dir,
        ...theirs,
        REDIS_URL: "redis://two",
      });
      for (const other of [
        { AMQP_URL: "amqp://two" },
        { MONGO_URL: "mongodb://two" },
        { AMQP_PREFIX: "yours" },
      ])
        assert.deepEqual(found(other), { DATA_DIR: dir, ...other });
    });
  });
});
