/** Names of any script, from the catalogue to a paid order. The ids in titles are those of public reports. */
import assert from "node:assert/strict";
import { newId } from "../../broker/contract/ids.ts";
import { eventually } from "../../souk/testing/eventually.ts";
import { paidOrder, putInCart, putOnSale, signUp, stockOf } from "../../souk/testing/people.ts";
import { type Shop, startShop } from "../../souk/testing/start-shop.ts";
import { createWorld, type World } from "./support/access.ts";

const segment = encodeURIComponent;

describe("Names of any script", function () {
  this.timeout(20_000);
  let shop: Shop;
  let world: World;

  before(async function () {
    this.timeout(30_000);
    shop = await startShop({ env: { MAX_OPEN_ORDERS: "100" } });
    world = await createWorld(shop);
  });
  after(() => shop?.stop());

  for (const sku of [
    "MJ.700",
    "NOR.0707-60",
    "317-01-549-10/12",
    "AB 12",
    "C+D",
    "ÉTE-1",
    "Артикул №5",
    "商品/001",
    "كود ١٢",
    "100% $50",
    "%2F%20",
    "$where",
    "_bsontype",
    "__proto__",
    "a\\b",
    "a?b#c&d=e",
  ])
    it(`import-sku-characters: ${sku} is sold like any other`, async () => {
      await putOnSale(world.admin, { sku, onHand: 5 });
      const customer = await signUp(shop.http);
      await putInCart(customer, sku, 2);
      await customer.http.expect(200, "DELETE", `/cart/items/${segment(sku)}`);
      const { lines } = await paidOrder(customer, sku, 2);
      assert.deepEqual(
        lines.map((it) => [it.sku, it.quantity]),
        [[sku, 2]],
      );
      await eventually("its stock is sold", async () => {
        const { onHand, held } = await stockOf(shop.http, sku);
        return onHand === 3 && held === 0;
      });
      const stock = await world.admin.http.expect<{ sku: string; onHand: number }>(
        200,
        "POST",
        `/inventory/${segment(sku)}/adjustments`,
        { body: { delta: 7, reason: "Counted" } },
      );
      assert.deepEqual([stock.sku, stock.onHand], [sku, 10]);
    });

  it("import-sku-characters: a SKU is the same however it is composed, and its Location leads to it", async () => {
    const sku = `Prägung ${newId()}/1`;
    const apart = sku.normalize("NFD");
    assert.notEqual(apart, sku);
    const made = await world.admin.http.request<{ sku: string }>("POST", "/inventory", {
      body: { sku: apart, onHand: 1 },
    });
    assert.deepEqual([made.status, made.body.sku], [201, sku]);
    const location = made.headers.get("location") ?? "";
    assert.ok(location.endsWith(segment(sku)), location);
    const again = await world.admin.http.request<{ code: string }>("POST", "/inventory", { body: { sku } });
    assert.deepEqual([again.status, again.body.code], [409, "SKU_TAKEN"]);
    assert.equal((await stockOf(shop.http, apart)).onHand, 1);
    const body = (which: string) => ({
      name: "Stamp",
      variants: [{ sku: which, price: { amount: 1, currency: "USD" } }],
    });
    await world.admin.http.expect(201, "POST", "/products", { body: body(apart) });
    const taken = await world.admin.http.request<{ code: string }>("POST", "/products", { body: body(sku) });
    assert.deepEqual([taken.status, taken.body.code], [409, "SKU_TAKEN"]);
  });

  const named = ["Размер", "Größe", "サイズ", "Couleur/Taille", "المقاس", "Nr.", "a.b.c", "Preis $", "0"];
  it(`import-option-names: ${named.join(", ")} are kept as they are`, async () => {
    const options = Object.fromEntries(named.map((it) => [it, `${it} M`]));
    const variants = [{ sku: `SKU-${newId()}`, price: { amount: 100, currency: "USD" }, options }];
    const { http } = world.admin;
    const made = await http.expect<{ id: string }>(201, "POST", "/products", {
      body: { name: "Shirt", variants },
    });
    const optionsOf = async (method: "GET" | "PATCH" | "PUT", body?: object) => {
      const path = `/products/${made.id}`;
      const product = await http.expect<{ variants: { options: object }[] }>(
        200,
        method,
        path,
        body ? { body } : {},
      );
      return product.variants[0]?.options;
    };
    assert.deepEqual(await optionsOf("GET"), options);
    assert.deepEqual(await optionsOf("PATCH", { variants }), options);
    assert.deepEqual(await optionsOf("PUT", { name: "Shirt 2", variants }), options);
    assert.deepEqual(await optionsOf("GET"), options);
    const { items } = await http.expect<{ items: { id: string }[] }>(
      200,
      "GET",
      `/products?q=${segment("サイズ M")}`,
    );
    assert.ok(items.length <= 1);
  });
});
