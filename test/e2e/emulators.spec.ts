import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { loadConfig } from "../../broker/moleculer/config.ts";
import { systemClock } from "../../broker/resilience/clock.ts";
import { noCalls } from "../support/providers/provider-fixture.ts";
import "../../services/contracts.ts";
import { silentLog } from "../../broker/resilience/silent-log.ts";
import { coreProviders } from "../../services/payments/providers/create-providers.ts";
import { eventually } from "../../souk/testing/eventually.ts";
import { runScript, scriptArgs } from "../support/scripts/run-script.ts";
import { standIn } from "../support/stand-in.ts";

const emulated = coreProviders.filter((it) => it.emulator);

describe("npm run emulators", function () {
  this.timeout(60_000);

  it("starts them all, prints by which variables the shop uses them, and stops", async () => {
    const child = spawn(process.execPath, [...scriptArgs("dev/emulators"), "--port", "0"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let text = "";
    child.stdout.on("data", (chunk: Buffer) => {
      text += chunk.toString();
    });
    try {
      await eventually("the emulators are up", () => text.includes("Ctrl-C stops"), 30_000);
      const urls = [...text.matchAll(/^ {2}(\w+) +(http:\/\/127\.0\.0\.1:\d+)$/gm)].map(([, name, url]) => ({
        name,
        url,
      }));
      assert.deepEqual(
        urls.map((it) => it.name),
        emulated.map((it) => it.name),
      );
      for (const { url } of urls) assert.deepEqual(await (await fetch(`${url}/_sim/records`)).json(), []);
      const variables = Object.fromEntries(
        [...text.matchAll(/^export (\w+)='(.*)'$/gm)].map(([, name, value]) => [name, value]),
      );
      const config = loadConfig(variables);
      for (const { name, create } of emulated) {
        const adapter = create({
          config,
          clock: systemClock,
          log: silentLog,
          // An adapter reads its collections later.
          database: standIn({
            collection: () => ({}),
            getClient: () => ({ db: () => ({ collection: () => ({}) }) }),
          }),
          call: noCalls,
          publicUrl: () => "http://127.0.0.1:3000",
        });
        assert.equal(adapter?.name, name);
      }
    } finally {
      const gone = once(child, "exit");
      child.kill("SIGINT");
      const [code] = await gone;
      assert.equal(code, 0);
    }
  });

  it("says what is wrong with its options", async () => {
    for (const args of [["--port", "x"], ["--shop", "nowhere"], ["--speed", "0"], ["--nonsense"]]) {
      const { code, stderr } = await runScript("dev/emulators", args);
      assert.equal(code, 2);
      assert.match(stderr, new RegExp(`^error: .*${args[0]}.*\n$`));
    }
  });
});
