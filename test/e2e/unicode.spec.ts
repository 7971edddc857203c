/** Names of any script, from the catalogue to a paid order. The ids in titles are those of public reports. */
import assert from "node:assert/strict";
import { newId } from "../../broker/contract/ids.ts";
import { cleanLine } from "../../broker/contract/values/text.ts";
import { eventually } from "../../souk/testing/eventually.ts";
import { PASSWORD, paidOrder, putInCart, putOnSale, signUp, stockOf } from "../../souk/testing/people.ts";
import { type Shop, startShop } from "../../souk/testing/start-shop.ts";
import { ATTACK_STRINGS } from "../support/attack-strings.ts";
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
    for (const name of named) {
      const filter = `${segment(`options.${name}`)}=${segment(`${name} M`)}`;
      const found = await eventually(`${name} filters`, async () => {
        const { items } = await http.expect<{ items: { id: string }[] }>(200, "GET", `/products?${filter}`);
        return items.length > 0 && items.map((it) => it.id);
      });
      assert.deepEqual(found, [made.id], name);
    }
  });

  interface User {
    id: string;
    email: string;
  }
  interface Mailed {
    _id: string;
    mail: { change_email?: { id: string }[] };
  }
  const enter = (path: string, email: string, password = PASSWORD) =>
    shop.http.request<{ user: User; accessToken: string; code: string; errors?: { field: string }[] }>(
      "POST",
      `/auth/${path}`,
      { body: { email, password, ...(path === "register" ? { name: "Zoë" } : {}) } },
    );

  /** Tokens as the mails to both addresses have them. */
  async function changeTokens(userId: string): Promise<string[]> {
    const accounts = shop.node.runtime.database("users").collection<Mailed>("accounts");
    const requests =
      (await accounts.findOne({ _id: userId }))?.mail.change_email ?? assert.fail("no mail is asked for");
    const tokens = requests.map(async ({ id: requestId }) => {
      const asked = { userId, requestId, purpose: "change_email" };
      return (await shop.node.broker.call<{ token: string }, object>("users.issueMailToken", asked)).token;
    });
    return Promise.all(tokens);
  }

  for (const [typed, ...same] of [
    ["Info@Übung.de", "info@xn--bung-zra.de", "INFO@U\u0308BUNG.DE", " info@übung.de "],
    ["Анна@Пошта.укр", "анна@xn--80a1acn3a.xn--j1amh"],
    ["用户@例子.广告", "用户@xn--fsqu00a.xn--4rr70v"],
  ] as const)
    it(`user-idn-domain, later-idn-shown: ${typed} opens one account and is shown as it was typed`, async () => {
      const opened = await enter("register", typed);
      assert.deepEqual([opened.status, opened.body.user.email], [201, typed]);
      for (const it of [typed, ...same]) {
        const again = await enter("register", it);
        assert.deepEqual([again.status, again.body.code], [409, "EMAIL_TAKEN"], it);
        const { status, body } = await enter("login", it);
        assert.deepEqual([status, body.user?.id, body.user?.email], [200, opened.body.user.id, typed], it);
      }
      const me = shop.http.as(opened.body.accessToken);
      const email = same[0];
      await me.expect(202, "POST", "/users/me/email", { body: { email, currentPassword: PASSWORD } });
      const answers: string[] = [];
      for (const token of await changeTokens(opened.body.user.id)) {
        const body = { token };
        answers.push(
          (await shop.http.expect<{ status: string }>(200, "POST", "/auth/email/change", { body })).status,
        );
      }
      assert.deepEqual(answers, ["waiting", "changed"]);
      assert.equal((await me.expect<User>(200, "GET", "/users/me")).email, email);
      assert.equal((await enter("login", typed)).status, 200, "it is still the same address");
    });

  it("user-idn-domain: wrong passwords count for the account, however its address is written", async () => {
    const unit = newId().slice(-8);
    await enter("register", `ann@bücher-${unit}.de`);
    const written = [`ann@bücher-${unit}.de`, `ANN@BÜCHER-${unit}.DE`, `ann@bu\u0308cher-${unit}.de`];
    const statuses: number[] = [];
    for (let i = 0; i < 12; i++) {
      const { status } = await enter("login", written[i % written.length] ?? "", "a-wrong-passphrase");
      statuses.push(status);
    }
    assert.equal(statuses.at(-1), 429, String(statuses));
  });

  const orderTo = async (shippingAddress: object) => {
    const customer = await signUp(shop.http);
    await putInCart(customer, world.article.sku);
    return customer.http.request<{
      id: string;
      shippingAddress: object;
      errors?: { field: string; message: string }[];
    }>("POST", "/orders", {
      body: { shippingAddress, payment: { provider: "sandbox" } },
      headers: { "idempotency-key": newId(), prefer: "wait=0" },
    });
  };
  const at = (country: string, more: object = {}) => ({
    name: "Ann",
    line1: "1 Market Street",
    city: "Town",
    country,
    ...more,
  });

  for (const country of ["HK", "KE", "QA", "AE", "IE", "XK"])
    it(`address-no-postcode-${country}: is ordered to without a postal code`, async () => {
      const { status, body } = await orderTo(at(country));
      assert.deepEqual([status, body.shippingAddress], [201, at(country)]);
    });

  for (const [field, address] of [
    ["postalCode", at("PL", { postalCode: "55-aaa" })],
    ["postalCode", at("DE")],
    ["country", at("ZZ", { postalCode: "12345" })],
    ["country", at("XX")],
    ["region", at("US", { postalCode: "12345", region: "Ontario" })],
    ["phone", at("KE", { phone: "12345" })],
  ] as const)
    it(`address-wrong-postcode: ${JSON.stringify(address)} is refused for its ${field}`, async () => {
      const { status, body } = await orderTo(address);
      assert.deepEqual([status, body.errors?.map((it) => it.field)], [422, [`shippingAddress.${field}`]]);
      const saved = await world.owner.http.request<typeof body>("POST", "/users/me/addresses", {
        body: address,
      });
      assert.deepEqual([saved.status, saved.body.errors?.map((it) => it.field)], [422, [field]]);
    });

  it("reads and sends to an address that was saved before there were rules", async () => {
    const customer = await signUp(shop.http);
    const saved = await customer.http.expect<{ id: string }>(201, "POST", "/users/me/addresses", {
      body: at("PL", { postalCode: "00-950", phone: "+48 22 123 45 67" }),
    });
    const old = { ...at("ZZ", { postalCode: "55-aaa", phone: "+1 555 0100" }) };
    await shop.node.runtime
      .database("users")
      .collection<{ _id: string }>("accounts")
      .updateOne({ _id: customer.id }, { $set: { addresses: [{ id: saved.id, ...old }] } });
    const { items } = await customer.http.expect<{ items: object[] }>(200, "GET", "/users/me/addresses");
    assert.deepEqual(items, [{ id: saved.id, ...old }]);
    await putInCart(customer, world.article.sku);
    const placed = await customer.http.expect<{ id: string; shippingAddress: object }>(
      201,
      "POST",
      "/orders",
      {
        body: { addressId: saved.id, payment: { provider: "sandbox" } },
        headers: { "idempotency-key": newId(), prefer: "wait=5" },
      },
    );
    assert.deepEqual(placed.shippingAddress, old);
    const read = await customer.http.expect<typeof placed>(200, "GET", `/orders/${placed.id}`);
    assert.deepEqual(read.shippingAddress, old);
  });

  it("prices nothing in a currency that there is not", async () => {
    const body = (currency: string) => ({
      name: "Cup",
      variants: [{ sku: `SKU-${newId()}`, price: { amount: 1, currency } }],
    });
    const { status, body: problem } = await world.admin.http.request<{ errors: { field: string }[] }>(
      "POST",
      "/products",
      { body: body("ABC") },
    );
    assert.deepEqual([status, problem.errors.map((it) => it.field)], [422, ["variants.0.price.currency"]]);
    await world.admin.http.expect(201, "POST", "/products", { body: body("KES") });
  });

  it("answers whatever attackers send with what they sent, or with a 4xx that names the field", async () => {
    const { http } = world.admin;
    const failed = (
      reply: { status: number; body: { errors?: { field: string }[] } },
      field: string,
      what: string,
    ) => {
      assert.ok(reply.status >= 400 && reply.status < 500, `${field}: ${what}: ${reply.status}`);
      const fields = reply.body.errors?.map((it) => it.field) ?? [];
      assert.ok(
        fields.some((it) => it.includes(field)),
        `${field}: ${what}: ${JSON.stringify(reply.body)}`,
      );
    };
    type Reply = { errors?: { field: string }[]; code: string; sku: string; name: string; id: string };
    for (const [what, text] of Object.entries(ATTACK_STRINGS)) {
      const stock = await http.request<Reply>("POST", "/inventory", { body: { sku: text, onHand: 1 } });
      if (stock.status === 201) {
        assert.equal(stock.body.sku, text.normalize("NFC"), what);
        const found = await shop.http.expect<Reply>(200, "GET", `/inventory/${segment(text)}`);
        assert.equal(found.sku, text.normalize("NFC"), what);
      } else if (stock.body.code !== "SKU_TAKEN") failed(stock, "sku", what);
      if (text.isWellFormed()) {
        const { status } = await shop.http.request("GET", `/inventory/${segment(text.slice(0, 2_000))}`);
        assert.ok(status < 500, what);
      }
      const product = await http.request<Reply & { variants: { options: Record<string, string> }[] }>(
        "POST",
        "/products",
        {
          body: JSON.parse(
            `{"name":"Cup","variants":[{"sku":"SKU-${newId()}","price":{"amount":1,"currency":"USD"},"options":{${JSON.stringify(text)}:"x"}}]}`,
          ),
        },
      );
      if (product.status === 201) {
        const kept = { [cleanLine(text)]: "x" };
        assert.deepEqual(product.body.variants[0]?.options, kept, what);
        const read = await http.expect<typeof product.body>(200, "GET", `/products/${product.body.id}`);
        assert.deepEqual(read.variants[0]?.options, kept, what);
      } else failed(product, "options", what);
      const valued = await http.request<typeof product.body>("POST", "/products", {
        body: {
          name: "Cup",
          variants: [
            { sku: `SKU-${newId()}`, price: { amount: 1, currency: "USD" }, options: { Size: text } },
          ],
        },
      });
      if (valued.status === 201) assert.equal(valued.body.variants[0]?.options.Size, cleanLine(text), what);
      else failed(valued, "Size", what);
      for (const address of [text, `${text}@example.com`, `ann@${text}.com`]) {
        const person = await enter("register", address);
        if (person.status === 201) assert.equal(person.body.user.email, cleanLine(address), what);
        else if (person.body.code !== "EMAIL_TAKEN") failed(person, "email", what);
      }
      const named = await world.owner.http.request<Reply>("PATCH", "/users/me", { body: { name: text } });
      if (named.status === 200) assert.equal(named.body.name, cleanLine(text), what);
      else failed(named, "name", what);
      const searched = await shop.http.request(
        "GET",
        `/products?q=${segment(text.toWellFormed().slice(0, 2_000))}`,
      );
      assert.ok(searched.status < 500, what);
    }
  });
});
