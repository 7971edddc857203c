import assert from "node:assert/strict";
import type { Returned } from "../../../broker/contract/contract.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import {
  deliveryOf,
  firstAdmin,
  hireStaff,
  type Person,
  paidOrder,
  putOnSale,
  signUp,
} from "../../../souk/testing/people.ts";
import { type Shop, startShop } from "../../../souk/testing/start-shop.ts";
import { ATTACK_STRINGS } from "../../support/attack-strings.ts";

describe("lists of staff", function () {
  this.timeout(30_000);
  let shop: Shop;
  let staff: Person;
  const orderIds: string[] = [];
  before(async () => {
    shop = await startShop({
      env: { TAX_NAME: "VAT", TAX_RATE: "1600", SELLER_NAME: "Souk GmbH", SHOP_LOCALE: "sw-KE" },
    });
    staff = await hireStaff(shop);
    const { sku } = await putOnSale(await firstAdmin(shop.http), { price: 1_160 });
    const customer = await signUp(shop.http);
    for (let n = 0; n < 3; n++) orderIds.push((await paidOrder(customer, sku)).id);
    const { id } = await deliveryOf(staff, orderIds[0] ?? "");
    await staff.http.expect(200, "PATCH", `/deliveries/${id}`, {
      body: { status: "shipped", tracking: "T-1" },
    });
  });
  after(() => shop?.stop());

  async function pages<T>(path: string, limit: number): Promise<T[]> {
    const found: T[] = [];
    let cursor = "";
    for (;;) {
      const page = await staff.http.expect<{ items: T[]; nextCursor: string | null }>(
        200,
        "GET",
        `${path}${path.includes("?") ? "&" : "?"}limit=${limit}${cursor}`,
      );
      assert.ok(page.items.length <= limit);
      found.push(...page.items);
      if (!page.nextCursor) return found;
      cursor = `&cursor=${page.nextCursor}`;
    }
  }
  const newest = () => [...orderIds].reverse();

  it("have deliveries by status, newest first, page by page", async () => {
    type Delivery = Returned<"delivery.getByOrder">;
    await Promise.all(orderIds.map((id) => deliveryOf(staff, id)));
    for (const [query, expected] of [
      ["", newest()],
      ["?status=created", newest().slice(0, 2)],
      ["?status=shipped", orderIds.slice(0, 1)],
      ["?status=shipped,created", newest()],
      ["?status=failed,cancelled", []],
    ] as const) {
      const found = await pages<Delivery>(`/deliveries${query}`, 1);
      assert.deepEqual(
        found.map((it) => it.orderId),
        expected,
        query,
      );
      for (const it of found) assert.match(it.orderNumber, /^\d{6}-/);
    }
  });

  it("have invoices, the latest number first, page by page", async () => {
    type Invoice = Returned<"payments.listInvoices">["items"][number];
    const all = await eventually("there are three invoices", async () => {
      const found = await pages<Invoice>("/invoices", 2);
      return found.length === 3 && found;
    });
    const year = all[0]?.number.slice(0, 4) ?? "";
    assert.deepEqual(
      all.map((it) => it.number),
      ["000003", "000002", "000001"].map((it) => `${year}-${it}`),
    );
    assert.deepEqual(all.map((it) => it.orderId).sort(), [...orderIds].sort());
    const money = (amount: number) => ({ amount, currency: "USD" });
    assert.deepEqual([all[0]?.net, all[0]?.tax, all[0]?.gross], [money(1_000), money(160), money(1_160)]);
    assert.deepEqual(await pages(`/invoices?year=${year}`, 1), all);
    const counted = await staff.http.expect<{ total: number }>(200, "GET", `/invoices?year=${year}&limit=1`);
    assert.equal(counted.total, 3);
    assert.deepEqual(await staff.http.expect(200, "GET", "/invoices?year=2020"), {
      items: [],
      nextCursor: null,
      total: 0,
    });
  });

  it("have stock by the beginning of its SKU, what is low, and the movements of a SKU", async () => {
    type Item = Returned<"inventory.list">["items"][number];
    type Movement = Returned<"inventory.movements">["items"][number];
    const skus = ["LIST-1", "LIST-2", "LIST-3 Größe/4", "OTHER-1"];
    for (const sku of skus) await staff.http.expect(201, "POST", "/inventory", { body: { sku, onHand: 9 } });
    const at = (sku: string) => `/inventory/${encodeURIComponent(sku)}`;
    const third = skus[2] ?? "";
    const set = await staff.http.expect<Item>(200, "PATCH", at(third), { body: { lowAt: 5 } });
    assert.deepEqual(set, { sku: third, onHand: 9, held: 0, available: 9, lowAt: 5, low: false });
    for (const [n, delta] of [-3, -2, 1].entries())
      await staff.http.expect(200, "POST", `${at(third)}/adjustments`, {
        body: { delta, reason: `count ${n}` },
      });

    const skusOf = async (path: string) => (await pages<Item>(path, 1)).map((it) => it.sku);
    assert.deepEqual(await skusOf("/inventory?q=LIST"), skus.slice(0, 3));
    assert.deepEqual(await skusOf("/inventory?q=LIST-2"), ["LIST-2"]);
    assert.deepEqual(await skusOf("/inventory?q=ist"), []);
    assert.deepEqual(await skusOf("/inventory?low=true"), [third]);
    assert.deepEqual(await skusOf("/inventory?q=LIST&low=false"), skus.slice(0, 2));
    assert.ok((await skusOf("/inventory")).length >= 5);

    const movements = await eventually("all movements are in the ledger", async () => {
      const found = await pages<Movement>(`${at(third)}/movements`, 1);
      return found.length === 4 && found;
    });
    assert.deepEqual(
      movements.map((it) => [it.delta, it.onHand, it.reason, it.by]),
      [
        [1, 5, "count 2", staff.id],
        [-2, 4, "count 1", staff.id],
        [-3, 6, "count 0", staff.id],
        [9, 9, "initial stock", null],
      ],
    );
    await staff.http.expect(404, "GET", "/inventory/NONE/movements");
    await staff.http.expect(404, "PATCH", "/inventory/NONE", { body: { lowAt: 1 } });
    for (const lowAt of [-1, 1.5, "5", 1e9, undefined, { $gt: 1 }])
      await staff.http.expect(422, "PATCH", at(third), { body: { lowAt } });
    for (const [what, text] of Object.entries(ATTACK_STRINGS)) {
      const { status } = await staff.http.request("PATCH", at(third), { body: { lowAt: text } });
      assert.equal(status, 422, what);
      const query = new URLSearchParams({ q: text });
      const found = await staff.http.request<{ items?: Item[] }>("GET", `/inventory?${query}`);
      assert.ok([422, 414].includes(found.status) || found.body.items?.length === 0, what);
    }
  });

  it("take no attack for anything else than text", async () => {
    for (const path of [
      "/deliveries?status=",
      "/deliveries?cursor=",
      "/invoices?year=",
      "/invoices?cursor=",
      "/inventory?low=",
      "/inventory?cursor=",
    ])
      for (const [what, text] of Object.entries(ATTACK_STRINGS)) {
        const { status } = await staff.http.request(
          "GET",
          `${path}${encodeURIComponent(text.toWellFormed())}`,
        );
        assert.ok(status === 422 || status === 414, `${path} ${what}: ${status}`);
      }
  });

  it("leave to everybody what the shop is called, and how it counts", async () => {
    const { status, headers, body } = await shop.http.request("GET", "/shop");
    assert.deepEqual(
      [status, body],
      [
        200,
        {
          name: "Souk GmbH",
          currency: "USD",
          tax: { name: "VAT", rate: 1_600, included: true },
          locale: "sw-KE",
        },
      ],
    );
    assert.equal(headers.get("cache-control"), "public, no-cache");
    const again = await shop.http
      .with({ "if-none-match": headers.get("etag") ?? "" })
      .request("GET", "/shop");
    assert.equal(again.status, 304);
  });
});
