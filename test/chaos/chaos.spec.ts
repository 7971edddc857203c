import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const ORDERS = 60;

/**
 * In a separate process, because it loads a contract that receives every message. That would change the bus' routes
 * for all other tests.
 */
async function runScript(args: readonly string[]): Promise<{ code: number | null; output: string }> {
  const script = [
    "--disable-warning=ExperimentalWarning",
    "--import",
    "./scripts/support/preload.mjs",
    "scripts/dev/chaos.ts",
  ];
  const child = spawn(process.execPath, [...script, ...args], {
    cwd: ROOT,
    // Coverage is measured in this process only, because the cluster is busy enough.
    env: { ...process.env, NODE_ENV: "development", NODE_V8_COVERAGE: undefined },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
  const end = () => void child.kill("SIGTERM");
  process.once("exit", end);
  const [code] = (await once(child, "exit")) as [number | null];
  process.off("exit", end);
  return { code, output };
}

describe("a short run of chaos: a cluster on its own RabbitMQ and store, every kind of process killed with -9", () => {
  it("loses nothing, does nothing twice, and comes to rest", async function () {
    this.timeout(400_000);
    const args = ["--brief", "--orders", String(ORDERS), "--seconds", "12", "--seed", "20261121"];
    const { code, output } = await runScript(args);
    assert.equal(code, 0, output);

    const killed = new Set(
      [...output.matchAll(/ s {2}(kill -9 [a-z]+)\S*: served after/g)].map((it) => it[1]),
    );
    const kinds = ["actors", "api", "others", "rabbitmq", "store"];
    assert.deepEqual(
      [...killed].sort(),
      kinds.map((it) => `kill -9 ${it}`),
      output,
    );
    assert.match(output, /restart all actors in turn: served after/);
    // The checks have examined something.
    const count = (name: string) => Number(new RegExp(`${name}.*?(\\d+) `).exec(output)?.[1]);
    assert.ok(count("2xx exists") >= ORDERS / 2, output);
    assert.ok(count("no gap") >= ORDERS * 8, output);
    assert.equal(count("all customers came in"), ORDERS, output);
  });
});
