/** Imports of files over HTTP: what they change, what they report, and what they refuse. */
import assert from "node:assert/strict";
import type { ImportView } from "../../../services/imports/imports.schemas.ts";
import { type ImportingShop, numbersOf, startImportingShop } from "./support.ts";

const HEADER = "slug,name,description,categories,images,published,sku,price,currency,options\r\n";

describe("imports", function () {
  this.timeout(60_000);
  let its: ImportingShop;
  before(async () => {
    its = await startImportingShop();
  });
  after(() => its.stop());

  const product = (slug: string) =>
    its.admin.http.request<Record<string, unknown>>("GET", `/products/${slug}`);

  it("create products, and change them when they come again", async () => {
    const file = `\ufeff${HEADER}tea,"Tea, green","Line one\nand ""two""",,,true,TEA-S,500,USD,Size=S\r\ntea,,,,,,TEA-L,900,USD,Size=L\r\ncup,Cup,,,https://images.example/cup.jpg,no,CUP,1200,USD,\r\n`;
    const first = await its.run("products", file);
    assert.deepEqual([first.status, numbersOf(first)], ["completed", counted({ created: 2 })]);
    assert.equal(first.totalLines, 5);
    const { body } = await product("tea");
    assert.equal(body.name, "Tea, green");
    assert.equal(body.description, 'Line one\nand "two"');
    assert.deepEqual(
      (body.variants as { sku: string; price: object; options: object }[]).map((it) => [
        it.sku,
        it.price,
        it.options,
      ]),
      [
        ["TEA-S", { amount: 500, currency: "USD" }, { Size: "S" }],
        ["TEA-L", { amount: 900, currency: "USD" }, { Size: "L" }],
      ],
    );
    assert.equal((await its.shop.http.request("GET", "/products/cup")).status, 404, "it is not published");
    assert.deepEqual(numbersOf(await its.run("products", file)), counted({ unchanged: 2 }));
    const changes = await its.run("products", "sku,price,currency\nTEA-L,950,USD\nNEW,1,USD\n");
    assert.deepEqual(numbersOf(changes), counted({ updated: 1, failed: 1 }));
    const [error] = await its.errorsOf(changes.id);
    assert.deepEqual([error?.line, error?.column, error?.field], [3, null, "slug"]);
    assert.deepEqual(
      (await found("tea")).variants.map((it) => it.price.amount),
      [500, 950],
    );
  });

  it("are found by searches and lists without further ado", async () => {
    await its.run("products", `${HEADER}samovar,Samovar,,,,,SAM-1,5000,USD,\n`);
    const { items } = await its.admin.http.expect<{ items: { slug: string }[] }>(
      200,
      "GET",
      "/products?q=samovar",
    );
    assert.deepEqual(
      items.map((it) => it.slug),
      ["samovar"],
    );
  });

  it("take JSON lines", async () => {
    const lines = [
      { slug: "jar", name: "Jar", variants: [{ sku: "JAR", price: { amount: 1, currency: "USD" } }] },
      { slug: "lid", name: "Lid", colour: "red", variants: [] },
    ];
    const file = `${lines.map((it) => JSON.stringify(it)).join("\n")}\n{"slug":`;
    const view = await its.run("products", file, { type: "application/jsonl" });
    assert.deepEqual(numbersOf(view), counted({ created: 1, failed: 2 }));
    const errors = await its.errorsOf(view.id);
    assert.deepEqual(
      errors.map((it) => it.line),
      [2, 2, 3],
    );
    assert.deepEqual(errors.map((it) => it.field).sort(), [null, "colour", "variants"].sort());
  });

  it("set stock, but not below what is held", async () => {
    const view = await its.run("stock", "sku,onHand,lowAt\nTEA-S,12,5\nTEA-L,3,\n-1,x,\n");
    assert.deepEqual(numbersOf(view), counted({ created: 2, failed: 1 }));
    assert.deepEqual(await its.errorsOf(view.id), [
      { line: 4, column: 2, field: "onHand", message: "must be a number" },
    ]);
    const { onHand } = await its.admin.http.expect<{ onHand: number }>(200, "GET", "/inventory/TEA-S");
    assert.equal(onHand, 12);
    const again = await its.run("stock", "sku,onHand\nTEA-S,12\nTEA-L,4\n");
    assert.deepEqual(numbersOf(again), counted({ unchanged: 1, updated: 1 }));
  });

  it("only say what they would do in a dry run", async () => {
    const products = await its.run("products", `${HEADER}dry,Dry,,,,,DRY,1,USD,\n`, { dryRun: true });
    assert.deepEqual([products.dryRun, numbersOf(products)], [true, counted({ created: 1 })]);
    assert.equal((await product("dry")).status, 404);
    const stock = await its.run("stock", "sku,onHand\nTEA-S,1\nDRY,1\n", { dryRun: true });
    assert.deepEqual(numbersOf(stock), counted({ created: 1, updated: 1 }));
    assert.equal((await its.admin.http.request("GET", "/inventory/DRY")).status, 404);
  });

  it("report bad lines with line, column and field, and take the good ones", async () => {
    const view = await its.run(
      "products",
      `${HEADER}good,Good,,,,,GOOD,1,USD,\nBAD SLUG,"two\nlines",,,,,B,1,USD,\nx,X,,nowhere,,,TEA-S,1.5,USD,Size\n`,
    );
    assert.deepEqual(numbersOf(view), counted({ created: 1, failed: 2 }));
    const errors = await its.errorsOf(view.id);
    assert.deepEqual(
      errors.map(({ line, column, field }) => [line, column, field]),
      [
        [3, 1, "slug"],
        [3, 2, "name"],
        [5, 8, "price"],
        [5, 10, "options"],
      ],
    );
    const csv = await its.admin.http.request<string>("GET", `/imports/${view.id}/errors.csv`);
    assert.match(csv.headers.get("content-type") ?? "", /^text\/csv/);
    assert.equal(csv.body.split("\r\n").length, 6);
  });

  it("refuse a file that is not well-formed, and write nothing of it", async () => {
    const good = `${HEADER}never,Never,,,,,NEVER,1,USD,\n`;
    for (const [bad, line, reason] of [
      [`${good}x,"never closed,,,,,,X,1,USD,\n`, 3, /quote/],
      [`${good}x,"closed"early,,,,,,X,1,USD,\n`, 3, /quote/],
      [
        Buffer.concat([Buffer.from(good), Buffer.from("caf\xe9,Caf\xe9,,,,,C,1,USD,\n", "latin1")]),
        3,
        /UTF-8/,
      ],
      [`slug,name,price in euros\nnever,Never,1\n`, 1, /column/],
      [`${good}${",".repeat(1_000_000)}\n`, 3, /columns|bytes/],
      [`${good}x,${"x".repeat(1_000_000)},,,,,X,1,USD,\n`, 3, /bytes/],
      [HEADER, 1, /no records/],
    ] as const) {
      const view = await its.run("products", bad);
      assert.deepEqual([view.status, view.failure?.line, view.done], ["failed", line, 0]);
      assert.match(view.failure?.reason ?? "", reason);
    }
    assert.equal((await product("never")).status, 404);
  });

  it("refuse at once what is no text in UTF-8, no CSV or JSON lines, compressed or empty", async () => {
    const utf16 = Buffer.from(`\ufeff${HEADER}`, "utf16le");
    for (const [file, type, status, code] of [
      [utf16, "text/csv", 422, "IMPORT_FILE_REFUSED"],
      [utf16.subarray(2), "text/csv", 422, "IMPORT_FILE_REFUSED"],
      [`${HEADER}a\0b,`, "text/csv", 422, "IMPORT_FILE_REFUSED"],
      ["", "text/csv", 422, "VALIDATION_FAILED"],
      [HEADER, "text/csv; charset=iso-8859-1", 415, "UNSUPPORTED_MEDIA_TYPE"],
      [HEADER, "application/json", 415, "UNSUPPORTED_MEDIA_TYPE"],
    ] as const) {
      const reply = await its.send("products", file, { type });
      assert.deepEqual([reply.status, reply.body.code], [status, code]);
    }
    assert.equal((await its.send("people", HEADER)).status, 422);
    const gzip = await fetch(`${its.shop.url}/api/v1/imports?what=stock`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${its.admin.accessToken}`,
        "content-type": "text/csv",
        "content-encoding": "gzip",
      },
      body: "x",
    });
    assert.equal(gzip.status, 415);
  });

  it("keep attack strings as text, and guard them in files", async () => {
    await its.run(
      "products",
      `${HEADER}attack,"'=HYPERLINK(""x"")","{{7*7}} <%= 7*7 %> <script>",,,,ATT,1,USD,\n`,
    );
    const { name, description } = await found("attack");
    assert.deepEqual([name, description], ['=HYPERLINK("x")', "{{7*7}} <%= 7*7 %> <script>"]);
  });

  it("stop when they are cancelled, and tell how they go on", async () => {
    const lines = Array.from({ length: 3_000 }, (_, n) => `c-${n},C ${n},,,,,C-${n},1,USD,`);
    const { body } = await its.send("products", HEADER + lines.join("\n"));
    const events = await follow(body.id, (it) => it.done >= 100);
    assert.ok(events.some(({ status }) => status === "running"));
    const cancelled = await its.admin.http.expect<ImportView>(200, "POST", `/imports/${body.id}/cancel`);
    assert.equal(cancelled.status, "cancelled");
    assert.ok(cancelled.done < 3_000);
    assert.equal((await its.admin.http.request("POST", `/imports/${body.id}/cancel`)).status, 409);
    const list = await its.admin.http.expect<{ items: ImportView[] }>(200, "GET", "/imports?limit=1");
    assert.equal(list.items[0]?.id, body.id);
  });

  async function found(slug: string) {
    const { body } = await product(slug);
    return body as { name: string; description: string; variants: { price: { amount: number } }[] };
  }

  /** Events until one is enough. */
  async function follow(id: string, enough: (view: ImportView) => boolean): Promise<ImportView[]> {
    const stop = new AbortController();
    const reply = await fetch(`${its.shop.url}/api/v1/imports/${id}/events`, {
      headers: { authorization: `Bearer ${its.admin.accessToken}` },
      signal: stop.signal,
    });
    const seen: ImportView[] = [];
    let text = "";
    for await (const chunk of reply.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += chunk;
      for (let at = text.indexOf("\n\n"); at >= 0; at = text.indexOf("\n\n")) {
        const [, data] = /^data: (.*)$/m.exec(text.slice(0, at)) ?? [];
        if (data) seen.push(JSON.parse(data) as ImportView);
        text = text.slice(at + 2);
      }
      if (seen.some(enough)) break;
    }
    stop.abort();
    return seen;
  }
});

const NONE = { created: 0, updated: 0, unchanged: 0, failed: 0 };

function counted(given: Partial<typeof NONE>) {
  const counts = { ...NONE, ...given };
  return { done: Object.values(counts).reduce((a, b) => a + b, 0), ...counts };
}
