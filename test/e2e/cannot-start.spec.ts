import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEmbeddedMongo } from "@souk/embedded-mongo";
import { freePort } from "../../souk/testing/free-port.ts";
import { EMBEDDED, runScript } from "../support/scripts/run-script.ts";

describe("npm start where something is in the way", function () {
  this.timeout(70_000);
  let dir: string;

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "souk-start-"));
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  /** What it printed last, and how it ended. */
  async function start(env: Record<string, string>): Promise<{ code: number | null; lastLine: string }> {
    const more = { SEED_ON_START: "false", OPS_PORT: "0", DATA_DIR: dir, ...env };
    const { code, stderr } = await runScript("start", [], { ...EMBEDDED, ...more });
    return { code, lastLine: stderr.trimEnd().split("\n").at(-1) ?? "" };
  }

  it("says that the port is taken, and which setting chooses another", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    try {
      const { code, lastLine } = await start({ PORT: String(port) });
      assert.equal(code, 1);
      assert.equal(
        lastLine,
        `Souk can't start: port ${port} of 127.0.0.1 is taken; PORT chooses another one`,
      );
    } finally {
      server.close();
    }
  });

  it("says the same of the operations port", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    try {
      const { code, lastLine } = await start({ PORT: String(await freePort()), OPS_PORT: String(port) });
      assert.equal(code, 1);
      assert.equal(
        lastLine,
        `Souk can't start: OPS_PORT: port ${port} of 127.0.0.1 is taken; choose another one, 0 for any, or off`,
      );
    } finally {
      server.close();
    }
  });

  it("says that another process has the data folder", async () => {
    const store = await startEmbeddedMongo({ dir: join(dir, "mongo"), sync: "normal" });
    try {
      const { code, lastLine } = await start({ PORT: String(await freePort()) });
      assert.equal(code, 1);
      assert.match(lastLine, /^Souk can't start: the embedded store in .* is in use .*another DATA_DIR$/);
      const [, uri = ""] = /to join the shop that runs on it: MONGO_URL='([^']+)'/.exec(lastLine) ?? [];
      assert.equal(uri, store.uri);
    } finally {
      await store.close();
    }
  });

  it("says that the data folder can't be made", async () => {
    const file = join(dir, "a-file");
    await writeFile(file, "");
    const { code, lastLine } = await start({ PORT: String(await freePort()), DATA_DIR: file });
    assert.equal(code, 1);
    assert.match(lastLine, /^Souk can't start: ENOTDIR.*\(DATA_DIR\)$/);
  });

  it("names a variable of a payment provider that is wrong, and one that is missing", async () => {
    const port = String(await freePort());
    const wrong = await start({ PORT: port, SANDBOX_WEBHOOK_SECRET: "short" });
    assert.equal(wrong.code, 1);
    assert.equal(
      wrong.lastLine,
      "Souk can't start: SANDBOX_WEBHOOK_SECRET: must have at least 16 characters",
    );
    const half = await start({ PORT: port, STRIPE_SECRET_KEY: "sk_test_long_enough_for_a_key" });
    assert.equal(half.code, 1);
    assert.equal(
      half.lastLine,
      "Souk can't start: STRIPE_WEBHOOK_SECRET: must be set where STRIPE_SECRET_KEY is",
    );
  });
});
