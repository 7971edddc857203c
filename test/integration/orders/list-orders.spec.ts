import assert from "node:assert/strict";
import { newId } from "../../../broker/contract/ids.ts";
import { migrateDown, migrateUp, migrationsOf } from "../../../broker/mongo/migrations.ts";
import core from "../../../services/index.ts";
import type { OrderView } from "../../../services/orders/orders.contract.ts";
import {
  firstAdmin,
  hireStaff,
  home,
  order,
  type Person,
  paidOrder,
  putInCart,
  putOnSale,
  signUp,
} from "../../../souk/testing/people.ts";
import { type Shop, startShop } from "../../../souk/testing/start-shop.ts";
import { ATTACK_STRINGS } from "../../support/attack-strings.ts";

interface Page {
  items: OrderView[];
  nextCursor: string | null;
  total?: number;
}

describe("staff's list of orders", function () {
  this.timeout(30_000);
  let shop: Shop;
  let staff: Person;
  let zoe: Person;
  let ann: Person;
  let sku: string;
  const placed: Record<string, OrderView> = {};

  const list = (query: Record<string, string>, as = staff) =>
    as.http.expect<Page>(200, "GET", `/orders?${new URLSearchParams({ all: "true", ...query })}`);
  const namesOf = ({ items }: Page) =>
    items.map(({ id }) => Object.keys(placed).find((name) => placed[name]?.id === id) ?? "unknown");

  before(async () => {
    shop = await startShop({ env: { MAX_OPEN_ORDERS: "100" } });
    staff = await hireStaff(shop);
    const article = await putOnSale(await firstAdmin(shop.http), { sku: "Teller Größe/12", onHand: 1_000 });
    sku = article.sku;
    zoe = await signUp(shop.http, "Zoë Müller");
    ann = await signUp(shop.http, "Ann O'Neil");
    placed.one = await order(zoe, sku);
    placed.two = await paidOrder(ann, sku);
    placed.three = await order(zoe, sku, 2);
    placed.four = await order(ann, sku, 3);
    await ann.http.expect(200, "POST", `/orders/${placed.four.id}/cancel`, { body: {} });
  });
  after(() => shop?.stop());

  it("finds orders by number, customer, e-mail, name and SKU, whatever the case and accents", async () => {
    const { one, three } = placed;
    assert.ok(one && three);
    for (const [query, names] of [
      [{ number: three.number }, ["three"]],
      [{ number: three.number.toLowerCase() }, ["three"]],
      [{ q: three.number.slice(7) }, ["three"]],
      [{ q: "zoe" }, ["three", "one"]],
      [{ q: "MÜLLER zoë" }, ["three", "one"]],
      [{ q: "zoe o'neil" }, []],
      [{ q: "größe/12 o'neil" }, ["four", "two"]],
      [{ q: zoe.email.toUpperCase() }, ["three", "one"]],
      [{ email: ann.email }, ["four", "two"]],
      [{ customerId: ann.id }, ["four", "two"]],
      [{ customerId: ann.id, q: "zoe" }, []],
      [{ customerId: newId() }, []],
    ] as const) {
      const page = await list(query);
      assert.deepEqual(namesOf(page), names, JSON.stringify(query));
      assert.equal(page.total, names.length);
    }
  });

  it("filters by several statuses, in the order of time", async () => {
    for (const [status, names] of [
      ["paid", ["two"]],
      ["paid,cancelled", ["four", "two"]],
      ["awaiting_payment,paid,cancelled,paid", ["four", "three", "two", "one"]],
      ["shipped,refunded", []],
    ] as const) {
      const page = await list({ status });
      assert.deepEqual(namesOf(page), names, status);
      assert.equal(page.total, names.length);
      assert.deepEqual(namesOf(await list({ status, sort: "oldest" })), [...names].reverse());
    }
  });

  it("filters by time, with the first moment and without the last", async () => {
    const { two, three, four } = placed;
    assert.ok(two && three && four);
    const page = await list({ from: two.createdAt, to: four.createdAt });
    assert.deepEqual(namesOf(page), ["three", "two"]);
    assert.equal(page.total, 2);
    assert.deepEqual(namesOf(await list({ from: new Date(Date.now() + 60_000).toISOString() })), []);
    assert.deepEqual(namesOf(await list({ to: "1970-01-01T00:00:00Z" })), []);
  });

  it("goes through all pages, in both directions, with the same total on each", async () => {
    for (const sort of ["newest", "oldest"]) {
      const seen: string[] = [];
      let cursor: string | null = null;
      do {
        const page: Page = await list({
          sort,
          limit: "1",
          status: "awaiting_payment,paid,cancelled",
          ...(cursor ? { cursor } : {}),
        });
        seen.push(...namesOf(page));
        assert.equal(page.total, 4);
        cursor = page.nextCursor;
      } while (cursor);
      const newest = ["four", "three", "two", "one"];
      assert.deepEqual(seen, sort === "newest" ? newest : newest.reverse());
    }
    const { nextCursor } = await list({ limit: "1" });
    const other = `/orders?all=true&sort=oldest&cursor=${nextCursor}`;
    await staff.http.expect(422, "GET", other);
  });

  it("is not for customers, who filter their own by status and time", async () => {
    await ann.http.expect(403, "GET", `/orders?all=true&q=zoe`);
    for (const [name, value] of [
      ["q", "zoe"],
      ["number", placed.one?.number ?? ""],
      ["email", zoe.email],
      ["customerId", zoe.id],
    ] as const) {
      const { status, body } = await ann.http.request<{ errors: { field: string }[] }>(
        "GET",
        `/orders?${new URLSearchParams({ [name]: value })}`,
      );
      assert.deepEqual([status, body.errors[0]?.field], [422, name]);
    }
    const own = await ann.http.expect<Page>(200, "GET", "/orders?status=paid,cancelled&sort=oldest");
    assert.deepEqual(namesOf(own), ["two", "four"]);
    assert.equal(own.total, undefined);
  });

  it("takes no attack for anything else than text", async () => {
    for (const field of ["q", "number", "email", "customerId", "status", "from", "to", "sort", "cursor"])
      for (const [what, text] of Object.entries(ATTACK_STRINGS)) {
        const query = new URLSearchParams({ all: "true", [field]: text });
        const { status, body } = await staff.http.request<Page & { errors?: { field: string }[] }>(
          "GET",
          `/orders?${query}`,
        );
        if (status === 200)
          assert.ok(/^(q|number)$/.test(field) && body.items.length === 0, `${field}: ${what}`);
        else if (status !== 414)
          assert.deepEqual([status, body.errors?.[0]?.field], [422, field], `${field}: ${what}`);
      }
    for (const field of ["q[$ne]", "status[]", "customerId[$gt]"])
      await staff.http.expect(422, "GET", `/orders?all=true&${encodeURIComponent(field)}=x`);
  });

  it("finds orders from before there were words", async () => {
    const db = shop.node.runtime.database("orders");
    const migrations = await migrationsOf(core.migrations.orders);
    const upTo = migrations.findIndex((it) => it.name === "0005-search-words");
    const known = migrations.slice(0, upTo + 1);
    while ((await migrateDown(db, known, "test", shop.node.runtime.clock)) !== "0005-search-words");
    const orders = db.collection<{ _id: string }>("orders");
    await orders.updateMany({}, { $unset: { "state.words": "", "state.customer": "" } });
    await migrateUp(db, migrations, "test", shop.node.runtime.clock);
    assert.deepEqual(namesOf(await list({ q: placed.one?.number ?? "" })), ["one"]);
    assert.equal((await list({ q: home.name })).total, 4);
  });

  it("reads about as many orders as a page has, however many there are", async () => {
    const documents = shop.node.runtime.database("orders").collection<{ _id: string }>("orders");
    const model = await documents.findOne({ _id: placed.one?.id ?? "" });
    assert.ok(model);
    const many = Array.from({ length: 3_000 }, () => ({ ...model, _id: newId(), outbox: [], timers: [] }));
    await documents.insertMany(many);
    for (const filter of [
      { "state.words": { $all: home.name.toLowerCase().split(" ") } },
      { "state.customerId": zoe.id },
      { "state.status": "awaiting_payment" },
      { _id: { $lt: newId() }, "state.createdAt": { $lt: "2100" } },
    ]) {
      const { executionStats } = await documents
        .find(filter)
        .sort({ _id: -1 })
        .limit(21)
        .explain("executionStats");
      assert.ok(executionStats.totalDocsExamined <= 60, JSON.stringify([filter, executionStats]));
    }
    await putInCart(zoe, sku);
    const started = performance.now();
    const page = await list({ q: home.name, status: "awaiting_payment,paid" });
    assert.ok(page.items.length === 20 && page.total === 3_003);
    assert.ok(performance.now() - started < 3_000);
  });
});
