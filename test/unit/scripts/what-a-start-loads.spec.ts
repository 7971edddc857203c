/** Modules that a start must not load: each costs time and memory, and is loaded when it is first needed. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** Loads all services of the shop, as `npm start` does, and prints what it has loaded. */
const SCRIPT = `
const { loadServices, serviceNames } = await import("./broker/moleculer/extension.ts");
const { shopOrExit } = await import("./scripts/support/the-shop.ts");
await import("./scripts/support/node/run-node.ts");
const shop = await shopOrExit();
await loadServices(shop, serviceNames(shop));
const { createRequire } = await import("node:module");
const packages = Object.keys(createRequire(import.meta.url).cache);
console.log(JSON.stringify({ builtIn: process.moduleLoadList, packages }));`;

interface Loaded {
  builtIn: string[];
  packages: string[];
}

describe("What a start loads", function () {
  this.timeout(60_000);
  let loaded: Loaded;
  before(async () => {
    const args = ["--disable-warning=ExperimentalWarning", "--input-type=module", "--eval", SCRIPT];
    const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 16 * 2 ** 20 });
    loaded = JSON.parse(stdout);
  });

  it("has no client for fetch, which an import of node:http would load", () => {
    assert.ok(loaded.builtIn.includes("NativeModule http"));
    assert.deepEqual(
      loaded.builtIn.filter((it) => it.includes("undici")),
      [],
    );
  });

  it("has no SDK and no library of documents", () => {
    assert.ok(loaded.packages.some((it) => it.includes("/node_modules/mongoose/")));
    const late = /\/node_modules\/(stripe|ioredis|pdfkit|fontkit|swagger-ui-dist|nats|@zxcvbn-ts)\//;
    assert.deepEqual(
      loaded.packages.filter((it) => late.test(it)),
      [],
    );
  });
});
