import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";

const start = (env: Record<string, string>, script = "start", args: string[] = []) =>
  spawnSync(
    process.execPath,
    ["--import", "./scripts/support/preload.mjs", `scripts/${script}.ts`, ...args],
    {
      env: { ...process.env, AMQP_URL: "", MONGO_URL: "", REDIS_URL: "", NODE_ENV: "development", ...env },
      encoding: "utf8",
      timeout: 20_000,
    },
  );

describe("a start that can't be", () => {
  it("names each bad variable on a line of its own and exits with 1", () => {
    const { status, stderr } = start({ PORT: "eighty", ORDER_TTL: "soon" });
    assert.equal(status, 1);
    assert.match(stderr, /^ {2}PORT: /m);
    assert.match(stderr, /^ {2}ORDER_TTL: /m);
    assert.doesNotMatch(stderr, /at .*\.ts/);
  });

  it("refuses embedded defaults in production", () => {
    const { status, stderr } = start({ NODE_ENV: "production" });
    assert.equal(status, 1);
    assert.match(stderr, /must be set in production/);
  });

  it("names a service that there is none of", () => {
    const named = start({}, "node", ["orders", "warehouse"]);
    assert.equal(named.status, 2);
    assert.match(
      named.stderr,
      /'warehouse' is invalid for argument 'service'\. Allowed choices are .*orders, /,
    );
    const set = start({ SERVICES: "orders warehouse" });
    assert.equal(set.status, 1);
    assert.match(set.stderr, /SERVICES: there is no service warehouse/);
  });
});
