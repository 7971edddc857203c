/** Exports over HTTP: what they contain, who may have them, and that imports read them back to the same state. */
import assert from "node:assert/strict";
import { order, signUp } from "../../../souk/testing/people.ts";
import { type ImportingShop, numbersOf, startImportingShop } from "./support.ts";

/** More than one page. */
const MANY = 260;
const NAMES = [
  "=1+1",
  "'=already guarded",
  "-5 % off",
  '@home, "quoted"',
  "شاي أخضر",
  "緑茶",
  "ชาเขียว",
  "हरी चाय",
  "Thé d'été | a=b \\ c",
  "👩‍👩‍👧 tea",
];

describe("exports", function () {
  this.timeout(60_000);
  let its: ImportingShop;
  before(async () => {
    its = await startImportingShop();
    const lines = Array.from({ length: MANY }, (_, n) => ({
      slug: `tea-${n}`,
      name: NAMES[n % NAMES.length],
      description: n % 2 === 0 ? "two\nlines, and\ttabs" : "",
      images: n % 3 === 0 ? ["https://images.example/a.jpg", "/b.jpg"] : [],
      published: n % 5 !== 0,
      variants: [
        {
          sku: `-T${n}`,
          price: { amount: n, currency: "JPY" },
          options: { "Größe|=": "a=b|c\\d", 色: "緑" },
        },
        { sku: `T${n} L`, price: { amount: n, currency: "USD" }, options: {} },
      ],
    }));
    const file = lines.map((it) => JSON.stringify(it)).join("\n");
    const made = await its.run("products", file, { type: "application/jsonl" });
    assert.equal(made.created, MANY, JSON.stringify(await its.errorsOf(made.id)));
    await its.run("stock", "sku,onHand,lowAt\n'-T1,7,\nT1 L,3,2\n");
  });
  after(() => its.stop());

  const download = (path: string) => its.admin.http.request<string>("GET", `/exports/${path}`);

  it("have products that an import finds unchanged, as CSV and as JSON lines", async () => {
    for (const [name, type] of [
      ["products.csv", "text/csv"],
      ["products.jsonl", "application/jsonl"],
    ] as const) {
      const reply = await download(name);
      assert.equal(reply.headers.get("content-type"), `${type}; charset=utf-8`);
      assert.match(reply.headers.get("content-disposition") ?? "", new RegExp(`filename="${name}"`));
      const again = await its.run("products", reply.body, { type });
      const expected = { done: MANY, created: 0, updated: 0, unchanged: MANY, failed: 0 };
      assert.deepEqual(numbersOf(again), expected, JSON.stringify(await its.errorsOf(again.id)));
    }
  });

  it("have nothing that a spreadsheet would run", async () => {
    const { body } = await download("products.csv");
    const [header, ...lines] = body.trimEnd().split(/\r\n(?=tea-)/);
    assert.equal(header, "slug,name,description,categories,images,published,sku,price,currency,options");
    assert.equal(lines.length, 2 * MANY);
    assert.ok(lines.some((it) => it.startsWith("tea-0,'=1+1,")));
    assert.ok(lines.some((it) => it.startsWith("tea-1,''=already guarded,")));
    assert.doesNotMatch(body, /(?:^|,|\r\n)"?[=+@-]/);
  });

  it("have stock that an import finds unchanged", async () => {
    const { body } = await download("stock.csv");
    assert.equal(body, "sku,onHand,lowAt\r\n'-T1,7,\r\nT1 L,3,2\r\n");
    assert.deepEqual(numbersOf(await its.run("stock", body)), {
      done: 2,
      created: 0,
      updated: 0,
      unchanged: 2,
      failed: 0,
    });
  });

  it("have orders, payments and customers", async () => {
    const ann = await signUp(its.shop.http, "=Ann");
    const placed = await order(ann, "T1 L");
    const orders = await download("orders.csv");
    const [header = "", row = ""] = orders.body.split("\r\n");
    const columns = Object.fromEntries(header.split(",").map((it, at) => [it, row.split(",")[at]]));
    assert.equal(columns.orderId, placed.id);
    assert.deepEqual([columns.sku, columns.orderTotal, columns.currency], ["T1 L", "1", "USD"]);
    assert.match(columns.createdAt ?? "", /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    const payments = await download("payments.csv");
    assert.ok(payments.body.includes(`,${placed.id},sandbox,`), payments.body);
    const customers = await download("customers.csv");
    assert.ok(customers.body.includes(`${ann.id},${ann.email},'=Ann,customer,`), customers.body);
    assert.doesNotMatch(customers.body, /argon2|hash/i);
  });

  it("are for staff with the scopes of exports and of the data", async () => {
    const ann = await signUp(its.shop.http);
    assert.equal((await ann.http.request("GET", "/exports/orders.csv")).status, 403);
    assert.equal((await its.shop.http.request("GET", "/exports/orders.csv")).status, 401);
    assert.equal((await its.admin.http.request("GET", "/exports/secrets.csv")).status, 404);
    const head = await its.admin.http.request("HEAD", "/exports/stock.csv");
    assert.deepEqual([head.status, head.body], [200, ""]);
  });
});
