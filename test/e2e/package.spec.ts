/**
 * Souk as a package: packed, installed with its dependencies into an empty folder beside an extension, and started there.
 * Somebody buys with the extension's points, over HTTP.
 */
import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { promisify } from "node:util";
import { newId } from "../../broker/contract/ids.ts";
import type { OrderView } from "../../services/orders/orders.contract.ts";
import { eventually } from "../../souk/testing/eventually.ts";
import { freePort } from "../../souk/testing/free-port.ts";
import { HttpClient } from "../../souk/testing/http-client.ts";
import { firstAdmin, home, orderBecomes, putInCart, putOnSale, signUp } from "../../souk/testing/people.ts";
import { BOOTSTRAP_TOKEN } from "../../souk/testing/start-shop.ts";
import { readPdf } from "../support/read-pdf.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const run = promisify(execFile);

describe("Souk as a package", function () {
  this.timeout(240_000);
  let dir: string;
  let env: NodeJS.ProcessEnv;
  let child: ChildProcess | undefined;
  let output = "";

  /** A command of the package, as `npx souk` runs it. */
  const souk = (args: string[], more: NodeJS.ProcessEnv = {}) =>
    spawn(process.execPath, ["node_modules/.bin/souk", ...args], {
      cwd: dir,
      env: { ...env, ...more },
      stdio: ["ignore", "pipe", "pipe"],
    });

  before(async () => {
    dir = mkdtempSync(join(tmpdir(), "souk-package-"));
    const { NODE_OPTIONS: _, ...given } = process.env;
    // npm and all that it starts run on the Node.js of this test.
    env = { ...given, NODE_ENV: "test", PATH: `${join(process.execPath, "..")}${delimiter}${given.PATH}` };
    for (const name of ["AMQP_URL", "MONGO_URL", "REDIS_URL", "TRANSPORTER"]) delete env[name];
    writeFileSync(join(dir, "package.json"), `{ "name": "a-shop", "private": true, "type": "module" }`);
    const { stdout } = await run("npm", ["pack", "--json", "--pack-destination", dir], {
      cwd: ROOT,
      env,
      maxBuffer: 1e8,
    });
    const [{ filename, size }] = JSON.parse(stdout.slice(stdout.indexOf("["))) as [
      { filename: string; size: number },
    ];
    assert.ok(size < 2_000_000, `${size} bytes`);
    const install = [
      "install",
      "--omit=optional",
      "--prefer-offline",
      "--no-audit",
      "--no-fund",
      "--no-package-lock",
    ];
    await run("npm", [...install, `./${filename}`], { cwd: dir, env, maxBuffer: 1e8 });
    cpSync(join(ROOT, "examples/loyalty"), join(dir, "loyalty"), { recursive: true });
  });
  after(async () => {
    if (child && child.exitCode === null) {
      child.kill("SIGTERM");
      await once(child, "exit");
    }
    rmSync(dir, { recursive: true, force: true });
  });

  it("has what runs, and nothing else", () => {
    const packed = readFileSync(join(dir, "node_modules/souk/package.json"), "utf8");
    assert.ok(!JSON.parse(packed).dependencies["@souk/embedded-mongo"]);
    assert.throws(() => readFileSync(join(dir, "node_modules/souk/test")), /ENOENT/);
  });

  it("types an extension, and runs its specs", async () => {
    const options = {
      ...{ target: "esnext", module: "nodenext", strict: true, noEmit: true, skipLibCheck: true },
      ...{ types: ["node", "mocha"], typeRoots: [join(ROOT, "node_modules/@types")] },
      ...{ allowImportingTsExtensions: true, erasableSyntaxOnly: true, verbatimModuleSyntax: true },
    };
    writeFileSync(
      join(dir, "tsconfig.json"),
      JSON.stringify({ compilerOptions: options, include: ["loyalty"] }),
    );
    await run(join(ROOT, "node_modules/.bin/tsc"), ["-p", dir], { env }).catch((error: { stdout: string }) =>
      assert.fail(error.stdout),
    );
    const mocha = join(ROOT, "node_modules/mocha/bin/mocha.js");
    const { stdout } = await run(process.execPath, [mocha, "loyalty/test/points.actor.spec.ts"], {
      cwd: dir,
      env,
    });
    assert.match(stdout, /[1-9]\d* passing/);
  });

  it("says in one line what is wrong with an extension", async () => {
    const failed = souk(["start"], { EXTENSIONS: "./loyalty/sook.ts" });
    let said = "";
    failed.stderr?.on("data", (text) => {
      said += text;
    });
    const [code] = (await once(failed, "close")) as [number];
    assert.deepEqual([code, said], [1, "EXTENSIONS: ./loyalty/sook.ts: there is no such module\n"]);
  });

  it("runs an extension: somebody buys with points", async () => {
    const port = await freePort(2);
    child = souk(["start"], {
      ...{ EXTENSIONS: "./loyalty/souk.ts", PORT: String(port), OPS_PORT: String(port + 1) },
      ...{ SEED_COUNT: "0", BOOTSTRAP_TOKEN, RATE_LIMIT: "off" },
    });
    for (const stream of [child.stdout, child.stderr])
      stream?.on("data", (text) => {
        output += text;
      });
    const url = `http://127.0.0.1:${port}`;
    await eventually(
      "the shop is ready",
      async () => {
        if (child?.exitCode !== null) throw new Error(output);
        return (await fetch(`${url}/health/ready`)).status === 200;
      },
      60_000,
    ).catch((error: Error) => assert.fail(`${error.message}\n${output}`));
    const http = new HttpClient(url);
    const admin = await firstAdmin(http);
    const ann = await signUp(http);
    const { sku } = await putOnSale(admin, { price: 1_500 });
    const customer = { customerId: ann.id, delta: 2_000, reason: "Welcome" };
    await admin.http.expect(200, "POST", "/loyalty/adjustments", {
      body: customer,
      headers: { "idempotency-key": newId() },
    });

    await putInCart(ann, sku);
    const placed = await ann.http.expect<OrderView>(201, "POST", "/orders", {
      body: {
        shippingAddress: home,
        payment: { provider: "credit" },
        ext: { loyalty: { giftNote: "With love, Ann" } },
      },
      headers: { "idempotency-key": newId(), prefer: "wait=5" },
    });
    const paid = await orderBecomes(ann, placed.id, "paid");
    assert.deepEqual(paid.ext, { loyalty: { giftNote: "With love, Ann" } });
    await eventually("the points are gone, and the order's are there", async () => {
      const { points } = await ann.http.expect<{ points: number }>(200, "GET", "/loyalty/points");
      return points === 2_000 - 1_500 + 15;
    });
    const invoice = await eventually("there is an invoice", async () => {
      const reply = await fetch(`${url}/api/v1/orders/${placed.id}/invoice.pdf`, {
        headers: { authorization: `Bearer ${ann.accessToken}` },
      });
      return reply.status === 200 && Buffer.from(await reply.arrayBuffer());
    });
    assert.match((await readPdf(invoice)).text, /Gift note: With love, Ann/);
    const { body } = await http.request<{ paths: object }>("GET", "//openapi.json");
    assert.ok("/loyalty/points" in body.paths);
  });

  it("is a shop for commands too, with the extension by the name of its package", async () => {
    symlinkSync(join(dir, "loyalty"), join(dir, "node_modules/souk-loyalty"));
    const { stdout } = await run(
      process.execPath,
      ["node_modules/.bin/souk", "migrate", "status", "loyalty"],
      {
        cwd: dir,
        env: { ...env, EXTENSIONS: "souk-loyalty" },
      },
    );
    assert.match(stdout, /^loyalty: 0001-points \d{4}-/m);
  });
});
