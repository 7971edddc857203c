/** `npm run new`, in a copy of the project: what it makes passes what the project's own files must pass. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { copyProject, type ProjectCopy } from "../support/scripts/project-copy.ts";

describe("npm run new", function () {
  this.timeout(300_000);
  let project: ProjectCopy;
  before(() => {
    project = copyProject();
  });
  after(() => project?.remove());

  /** A tool of the copy, or `node` with a script of it. */
  async function run(command: string, ...args: readonly string[]) {
    const { dir } = project;
    const bin = join(dir, "node_modules/.bin");
    const child = spawn(command, args, {
      cwd: dir,
      env: {
        ...process.env,
        NODE_ENV: "test",
        // Of what is made here nobody wants to know the coverage.
        NODE_V8_COVERAGE: undefined,
        DATA_DIR: join(dir, "data"),
        AMQP_URL: "",
        MONGO_URL: "",
        PATH: [dirname(process.execPath), bin, process.env.PATH].join(delimiter),
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const [stdout, stderr, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, "close") as Promise<[number | null]>,
    ]);
    return { code, stdout, stderr, output: stdout + stderr };
  }
  const script = (name: string, ...args: readonly string[]) =>
    run("node", "--import", "./scripts/support/preload.mjs", `scripts/${name}.ts`, ...args);
  async function passes(command: string, ...args: readonly string[]): Promise<void> {
    const { code, output } = await run(command, ...args);
    assert.equal(code, 0, output);
  }

  it("refuses names that are none, or taken, with one line, and writes nothing", async () => {
    const before = readdirSync(join(project.dir, "services"));
    for (const [args, code, found] of [
      [["service", "Gift"], 2, /'Gift' .* lower-case words joined by -/],
      [["service", "gift--cards"], 2, /'gift--cards'/],
      [["service", "../gift"], 2, /'\.\.\/gift'/],
      [["service", "a".repeat(31)], 2, /30 characters at most/],
      [["service", "new"], 2, /a word of TypeScript/],
      [["service", "action"], 1, /action is a name that files of a new service use/],
      [["service", "orders"], 1, /services\/orders is there already/],
      [["provider", "stripe"], 1, /providers\/stripe is there already/],
      [
        ["migration", "indexes", "--service", "orders", "--collection", "orders"],
        1,
        /0001-indexes.ts has this name/,
      ],
      [["migration", "more", "--service", "warehouse", "--collection", "orders"], 2, /'warehouse'/],
      [["migration", "more", "--service", "orders", "--collection", "a b"], 2, /'a b'/],
      [["migration", "more", "--service", "orders"], 2, /'--collection <name>' not specified/],
    ] as const) {
      const result = await script("dev/new", ...args);
      assert.equal(result.code, code, `${args.join(" ")}: ${result.output}`);
      assert.match(result.stderr, found);
      assert.match(result.stderr, /^[^\n]+\n$/);
    }
    assert.deepEqual(readdirSync(join(project.dir, "services")), before);
  });

  it("makes a service, a provider and a migration that pass types, lint, and the tests of contracts and documents", async () => {
    for (const args of [
      ["service", "gift-cards"],
      ["provider", "pay-later"],
      [
        "migration",
        "delivery-index",
        "--service",
        "orders",
        "--collection",
        "orders",
        "--key",
        "state.deliveryId",
      ],
    ]) {
      const { code, output } = await script("dev/new", ...args);
      assert.equal(code, 0, output);
    }
    const last = readdirSync(join(project.dir, "services/orders/migrations")).sort().at(-1) ?? "";
    assert.match(last, /^\d{4}-delivery-index\.ts$/);
    const docs = await script("dev/docs");
    assert.equal(docs.code, 0, docs.output);
    assert.match(readFileSync(join(project.dir, "docs/openapi.json"), "utf8"), /"GiftCardsEntry"/);
    assert.match(readFileSync(join(project.dir, ".env.example"), "utf8"), /PAY_LATER_SECRET_KEY/);

    await passes("tsc", "--checkers", "1");
    await passes("biome", "check", ".", "--diagnostic-level=warn");
    await passes(
      "mocha",
      "test/unit/contracts/*.spec.ts",
      "test/unit/config/config.spec.ts",
      "test/unit/http/docs.spec.ts",
      "test/unit/linear-time/parsers.spec.ts",
      "services/payments/providers/*.spec.ts",
      "services/gift-cards/test/*.spec.ts",
    );
  });

  it("makes a provider that passes the conformance suite", async () => {
    await passes("mocha", "services/payments/providers/pay-later/test/*.spec.ts");
  });

  it("makes routes that have their rows in the access matrix", async () => {
    await passes("mocha", "test/e2e/access-matrix.spec.ts", "-g", "gift-cards|has a row");
  });

  it("makes migrations that go up and down", async () => {
    for (const [args, found] of [
      [["up"], /gift-cards: applied 0001-indexes\n(?:.*\n)*/],
      [["up", "orders"], /nothing to do/],
      [
        ["down", "orders", "gift-cards"],
        /orders: reverted \d{4}-delivery-index\ngift-cards: reverted 0001-indexes/,
      ],
      [["up", "orders"], /orders: applied \d{4}-delivery-index/],
    ] as const) {
      const { code, stdout, stderr } = await script("migrate", ...args);
      assert.equal(code, 0, stderr);
      assert.match(stdout, found);
    }
    assert.ok(existsSync(join(project.dir, "data")));
  });
});
