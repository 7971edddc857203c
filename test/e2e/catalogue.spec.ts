import assert from "node:assert/strict";
import { newId } from "../../broker/contract/ids.ts";
import type { Problem } from "../../broker/http/problem.ts";
import { demoCategories, demoProduct } from "../../scripts/support/catalogue/demo-products.ts";
import { orderCart, putInCart, putOnSale, signUp } from "../../souk/testing/people.ts";
import { type Shop, startShop } from "../../souk/testing/start-shop.ts";
import { createWorld, type World } from "./support/access.ts";
import { ATTACK_STRINGS } from "./support/attack-strings.ts";

interface Listed {
  items: { id: string; name: string; published: boolean }[];
  total: number;
  facets: {
    categories: { id: string; count: number }[];
    options: { name: string; values: { value: string; count: number }[] }[];
  };
}

describe("the catalogue over HTTP", () => {
  let shop: Shop;
  let world: World;
  before(async function () {
    this.timeout(30_000);
    shop = await startShop({ env: { MAX_OPEN_ORDERS: "100" } });
    world = await createWorld(shop);
  });
  after(() => shop?.stop());

  const search = (query: string) => shop.http.expect<Listed>(200, "GET", `/products?${query}`);
  const create = (body: object) =>
    world.admin.http.expect<{ id: string; slug: string }>(201, "POST", "/products", { body });

  it("finds variants by options that the query names", async () => {
    const { id } = await create({
      name: `Kilim ${newId()}`,
      variants: [
        { sku: `KILIM-${newId()}`, price: { amount: 900, currency: "USD" }, options: { Colour: "Rust" } },
        { sku: `KILIM-${newId()}`, price: { amount: 950, currency: "USD" }, options: { Colour: "Sand" } },
      ],
    });
    for (const query of [
      "options.Colour=Rust",
      "options.colour=rust&options.colour=blue",
      "q=kilims&options.Colour=Sand",
    ])
      assert.deepEqual(
        (await search(query)).items.map((it) => it.id),
        [id],
        query,
      );
    assert.equal((await search("options.Colour=Pink")).total, 0);
    assert.deepEqual((await search("q=kilim&options.Colour=Rust")).facets.options, [
      {
        name: "Colour",
        values: [
          { value: "Rust", count: 1 },
          { value: "Sand", count: 1 },
        ],
      },
    ]);
    for (const query of ["options=Rust", "options.__proto__=x", "options.=x", "options.Colour="]) {
      const { status, body } = await shop.http.request<Problem>("GET", `/products?${query}`);
      assert.equal(status, 422, query);
      assert.match(body.errors?.[0]?.field ?? "", /^(options|__proto__)/);
    }
  });

  it("search-empty: shows everything for an empty q", async () => {
    const all = await search("limit=100");
    for (const q of ["", "%20", "%E3%80%80"]) assert.deepEqual(await search(`q=${q}&limit=100`), all);
  });

  it("suggests categories, products and SKUs while somebody types", async () => {
    const name = `Zaffre Vase ${newId().slice(-4)}`;
    const category = await world.admin.http.expect<{ id: string }>(201, "POST", "/categories", {
      body: { name: `Zaffre ${newId().slice(-4)}` },
    });
    const sku = `ZAFFRE-${newId().slice(-6).toUpperCase()}`;
    const { id } = await create({ name, variants: [{ sku, price: { amount: 900, currency: "USD" } }] });
    type Suggested = { items: { kind: string; text: string; id: string }[] };
    const suggest = (q: string) =>
      shop.http.expect<Suggested>(200, "GET", `/products/suggest?q=${encodeURIComponent(q)}`);
    const kinds = (await suggest("zaff")).items.map((it) => [it.kind, it.id]);
    assert.deepEqual(kinds, [
      ["sku", id],
      ["category", category.id],
      ["product", id],
    ]);
    assert.deepEqual((await suggest(sku.slice(0, 9))).items[0], {
      kind: "sku",
      text: sku,
      id,
      slug: (await suggest("zaff")).items.map((it) => ("slug" in it ? it.slug : ""))[0],
      image: null,
    });
    assert.deepEqual((await suggest("")).items, []);
  });

  describe("what is not published", () => {
    let draft: { id: string; slug: string };
    const sku = `DRAFT-${newId()}`;
    before(async () => {
      await world.admin.http.expect(201, "POST", "/inventory", { body: { sku, onHand: 10 } });
      draft = await create({
        name: "Quixotic Chair",
        published: false,
        variants: [{ sku, price: { amount: 900, currency: "USD" } }],
      });
    });

    const listed = async () => (await search("q=quixotic")).total;
    const publish = (published: boolean) =>
      world.admin.http.expect(200, "PATCH", `/products/${draft.id}`, { body: { published } });

    it("is seen, found and ordered by no customer", async () => {
      const customer = await signUp(shop.http);
      for (const http of [shop.http, customer.http]) {
        assert.equal((await http.request("GET", `/products/${draft.id}`)).status, 404);
        assert.equal((await http.request("GET", `/products/${draft.slug}`)).status, 404);
        assert.equal((await http.request("GET", "/products?published=false")).status, 403);
        for (const path of [
          "/products?q=quixotic",
          `/products?q=${sku}`,
          `/products/suggest?q=quixo`,
          `/products/suggest?q=${sku}`,
        ])
          assert.deepEqual((await http.expect<Listed>(200, "GET", path)).items, [], path);
        const { status, body } = await http.request<Problem>("PUT", `/cart/items/${sku}`, {
          body: { quantity: 1 },
        });
        assert.deepEqual([status, body.code], [422, "SKU_UNKNOWN"]);
      }
    });

    it("is seen by staff, and by customers once it is published", async () => {
      const asStaff = (path: string) => world.admin.http.expect<Listed>(200, "GET", path);
      const { items } = await asStaff("/products?published=false&q=quixotic");
      assert.deepEqual(
        items.map((it) => [it.id, it.published]),
        [[draft.id, false]],
      );
      assert.equal((await asStaff("/products?q=quixotic")).total, 0);
      await world.admin.http.expect(200, "GET", `/products/${draft.id}`);
      await publish(true);
      assert.equal(await listed(), 1);
      await shop.http.expect(200, "GET", `/products/${draft.slug}`);
      assert.equal((await asStaff("/products?published=false&q=quixotic")).total, 0);
      await publish(false);
      assert.equal(await listed(), 0);
    });

    it("can't be ordered from a cart that has it already", async () => {
      await publish(true);
      const customer = await signUp(shop.http);
      await putInCart(customer, sku);
      await publish(false);
      const { status, body } = await orderCart<Problem>(customer);
      assert.ok(status === 409 || status === 422, `${status} ${JSON.stringify(body)}`);
    });

    it("keeps its slug and SKU from others, and can be taken off sale", async () => {
      const taken = {
        name: "Other",
        slug: draft.slug,
        variants: [{ sku: newId(), price: { amount: 1, currency: "USD" } }],
      };
      assert.equal((await world.admin.http.request("POST", "/products", { body: taken })).status, 409);
      await world.admin.http.expect(204, "DELETE", `/products/${draft.id}`);
      assert.equal((await world.admin.http.request("GET", `/products/${draft.id}`)).status, 404);
    });
  });

  it("draws pictures of demo products, without scripts, the same each time", async () => {
    const category = new Map(demoCategories().map((it) => [it.name, it._id]));
    const drawn = new Set<string>();
    for (let number = 0; number < 20; number++)
      for (const image of demoProduct(number, "USD", category).images) {
        const [reply, again] = [await fetch(shop.url + image), await fetch(shop.url + image)];
        const svg = await reply.text();
        assert.equal(await again.text(), svg);
        assert.equal(reply.status, 200, image);
        assert.equal(reply.headers.get("content-type"), "image/svg+xml");
        assert.equal(reply.headers.get("x-content-type-options"), "nosniff");
        assert.match(reply.headers.get("content-security-policy") ?? "", /default-src 'none'.*sandbox/);
        assert.match(svg, /^<svg xmlns="http:\/\/www.w3.org\/2000\/svg"/);
        assert.ok(!/script|href|<!|on[a-z]+=/i.test(svg.replace(/<title>.*<\/title>/, "")), svg);
        drawn.add(svg);
      }
    assert.equal(drawn.size, 40, "each has its own");
    for (const file of ["../x-1.svg", "x-1.png", "x.svg", "<script>-1.svg", `${"a".repeat(200)}-1.svg`])
      assert.ok(
        [404, 422].includes(
          (await fetch(`${shop.url}/api/v1/demo-pictures/${encodeURIComponent(file)}`)).status,
        ),
      );
  });

  it("answers attack strings with what fits, or names the field, and quickly", async function () {
    this.timeout(60_000);
    await putOnSale(world.admin);
    const everything = (await search("")).total;
    for (const text of ATTACK_STRINGS) {
      const encoded = [...Buffer.from(text)].map((it) => `%${it.toString(16).padStart(2, "0")}`).join("");
      for (const [path, field] of [
        [`/products?q=${encoded}`, /^q$/],
        [`/products/suggest?q=${encoded}`, /^q$/],
        [`/products?options.Colour=${encoded}`, /^options/],
        [`/products?options.${encoded}=red`, /^(options|__proto__|constructor)/],
        [`/products?category=${encoded}`, /^category$/],
      ] as const) {
        const said = `${JSON.stringify(text.slice(0, 40))} ${path.slice(0, 40)}`;
        const started = performance.now();
        const { status, body } = await shop.http.request<Problem & Listed>("GET", path);
        assert.ok(performance.now() - started < 1_000, `${said} took too long`);
        if (status === 200) assert.ok(Array.isArray(body.items) && (body.total ?? 0) <= everything, said);
        else {
          assert.ok([414, 422, 431].includes(status), `${said}: ${status}`);
          if (status === 422) assert.match(body.errors?.[0]?.field ?? "", field, said);
        }
      }
    }
  });
});
