import assert from "node:assert/strict";
import { EMBEDDED, runScript } from "../support/scripts/run-script.ts";

const start = (env: Record<string, string>, script = "start", args: string[] = []) =>
  runScript(script, args, { ...EMBEDDED, ...env });

describe("a start that can't be", () => {
  it("names each bad variable on a line of its own and exits with 1", async () => {
    const { code, stderr } = await start({ PORT: "eighty", ORDER_TTL: "soon" });
    assert.equal(code, 1);
    assert.match(stderr, /^ {2}PORT: /m);
    assert.match(stderr, /^ {2}ORDER_TTL: /m);
    assert.doesNotMatch(stderr, /at .*\.ts/);
  });

  it("refuses embedded defaults in production", async () => {
    const { code, stderr } = await start({ NODE_ENV: "production" });
    assert.equal(code, 1);
    assert.match(stderr, /must be set in production/);
  });

  it("names a service that there is none of", async () => {
    const named = await start({}, "node", ["orders", "warehouse"]);
    assert.equal(named.code, 2);
    assert.match(
      named.stderr,
      /'warehouse' is invalid for argument 'service'\. Allowed choices are .*orders, /,
    );
    const set = await start({ SERVICES: "orders warehouse" });
    assert.equal(set.code, 1);
    assert.match(set.stderr, /SERVICES: there is no service warehouse/);
  });
});
