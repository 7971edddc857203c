import assert from "node:assert/strict";
import { eventually } from "../../../souk/testing/eventually.ts";
import { firstAdmin, type Person, paidOrder, putOnSale, signUp } from "../../../souk/testing/people.ts";
import { type Shop, startShop } from "../../../souk/testing/start-shop.ts";

/** The page at this path, as a browser gets it. */
async function open(shop: Shop, path: string, headers: Record<string, string> = {}) {
  const reply = await fetch(shop.url + path, { headers: { accept: "text/html", ...headers } });
  return { status: reply.status, headers: reply.headers, body: await reply.text() };
}

interface Listed {
  items: {
    id: string;
    kind: string;
    status: string;
    to: string;
    orderId: string | null;
    resendOf: string | null;
  }[];
}

describe("a shop in development", function () {
  this.timeout(60_000);
  let shop: Shop;
  let admin: Person;
  let ann: Person;
  let orderId: string;

  before(async () => {
    shop = await startShop();
    admin = await firstAdmin(shop.http);
    ann = await signUp(shop.http, "Ann <b>&{{x}} [[title]] {shop}");
    const { sku } = await putOnSale(admin, { name: "<i>Lamp</i>" });
    orderId = (await paidOrder(ann, sku)).id;
  });
  after(() => shop?.stop());

  const list = (query: string) => admin.http.expect<Listed>(200, "GET", `/notifications?${query}`);
  const sentOf = (query: string, kinds: string[]) =>
    eventually("the mails are sent", async () => {
      const { items } = await list(query);
      assert.deepEqual(
        items.map((it) => [it.kind, it.status]),
        kinds.map((it) => [it, "sent"]),
      );
      return items;
    });

  it("keeps a mail of each thing that happened, once, and shows it at /dev/mail", async () => {
    const [paid, placed] = await sentOf(`orderId=${orderId}`, ["order_paid", "order_placed"]);
    assert.deepEqual([paid?.to, placed?.to], [ann.email, ann.email]);
    await sentOf(`recipient=${encodeURIComponent(ann.email)}&kind=welcome`, ["welcome"]);
    const { body, headers } = await open(shop, "/dev/mail");
    assert.match(headers.get("content-security-policy") ?? "", /^default-src 'none'; style-src 'sha256-/);
    assert.equal(body.split(`/dev/mail/${paid?.id}"`).length, 2);
    assert.ok(!body.includes("<script"));
  });

  it("shows a mail in a frame that runs nothing, its text and its source", async () => {
    const [paid] = await sentOf(`orderId=${orderId}&kind=order_paid`, ["order_paid"]);
    const page = await open(shop, `/dev/mail/${paid?.id}`);
    assert.match(page.body, /<iframe [^>]*sandbox="allow-popups allow-popups-to-escape-sandbox"/);
    assert.ok(page.body.includes("Hello Ann &lt;b&gt;&amp;{{x}} [[title]] {shop},"));
    assert.match(page.body, /invoice-\d{6}-[A-Z0-9-]+\.pdf/);
    const html = await open(shop, `/dev/mail/${paid?.id}/html`);
    assert.equal(html.headers.get("x-frame-options"), "SAMEORIGIN");
    assert.match(html.headers.get("content-security-policy") ?? "", /sandbox/);
    assert.ok(html.body.includes("Hello Ann &lt;b&gt;&amp;{{x}} [[title]] {shop},"));
    assert.ok(html.body.includes("&lt;i&gt;Lamp&lt;/i&gt;") && !html.body.includes("<i>Lamp"));
    assert.ok(html.body.includes("$10.00"));
    const source = await open(shop, `/dev/mail/${paid?.id}/source`, { accept: "text/plain" });
    assert.match(source.body, new RegExp(`^Message-ID: <${paid?.id}@shop\\.example>\\r$`, "m"));
    assert.equal((await open(shop, "/dev/mail/nothing")).status, 404);
  });

  it("shows it to nobody who came by another name", async () => {
    const { request } = await import("node:http");
    const status = await new Promise((resolve, reject) => {
      const { hostname, port } = new URL(shop.url);
      request({ hostname, port, path: "/dev/mail", headers: { host: "evil.example" } }, (it) => {
        it.resume();
        resolve(it.statusCode);
      })
        .once("error", reject)
        .end();
    });
    assert.equal(status, 403);
  });

  it("has the token in the mail of a password reset, and nowhere else", async () => {
    await shop.http.expect(202, "POST", "/auth/password/forgot", { body: { email: ann.email } });
    const [reset] = await sentOf(`recipient=${encodeURIComponent(ann.email)}&kind=password_reset`, [
      "password_reset",
    ]);
    const { body } = await open(shop, `/dev/mail/${reset?.id}`);
    const token = /\/account\/reset\?token=([\w-]+)/.exec(body)?.[1] ?? "";
    await shop.http.expect(204, "POST", "/auth/password/reset", {
      body: { token, password: "another correct horse" },
    });
    const stored = await shop.node.runtime
      .database("notifications")
      .collection("notifications")
      .find()
      .toArray();
    assert.ok(stored.length > 3 && !JSON.stringify(stored).includes(token));
  });

  it("sends a notification again, once for one key", async () => {
    const [paid] = await sentOf(`orderId=${orderId}&kind=order_paid`, ["order_paid"]);
    const again = () =>
      admin.http.expect<{ id: string }>(201, "POST", `/notifications/${paid?.id}/resend`, {
        headers: { "idempotency-key": "again" },
      });
    const [first, second] = [await again(), await again()];
    assert.equal(first.id, second.id);
    const [resent] = await sentOf(`orderId=${orderId}&kind=order_paid`, ["order_paid", "order_paid"]);
    assert.deepEqual([resent?.id, resent?.resendOf], [first.id, paid?.id]);
  });

  it("lets a customer choose, by the account or by one click of a mail program, and forges nothing", async () => {
    const bob = await signUp(shop.http, "Bob");
    const wishes = await bob.http.expect<{ off: string[] }>(200, "PUT", "/users/me/notifications", {
      body: { off: ["order_delivered", "order_delivered"] },
    });
    assert.deepEqual(wishes.off, ["order_delivered"]);
    await bob.http.expect(422, "PUT", "/users/me/notifications", { body: { off: ["order_paid"] } });
    const [welcome] = await sentOf(`recipient=${encodeURIComponent(bob.email)}&kind=welcome`, ["welcome"]);
    const source = (await open(shop, `/dev/mail/${welcome?.id}/source`, { accept: "text/plain" })).body;
    const link = /List-Unsubscribe:\s*<([^>]+)>/.exec(source.replace(/\r\n\s+/g, ""))?.[1] ?? "";
    const path = link.slice(link.indexOf("/account/"));
    const post = (to: string) =>
      fetch(shop.url + to, {
        method: "POST",
        headers: { "content-type": "application/x-www-form-urlencoded" },
        body: "List-Unsubscribe=One-Click",
      });
    assert.equal((await post(`${path}x`)).ok, false);
    assert.equal((await open(shop, path)).status, 200);
    for (let twice = 0; twice < 2; twice++) assert.equal((await post(path)).status, 200);
    const { off } = await bob.http.expect<{ off: string[] }>(200, "GET", "/users/me/notifications");
    assert.deepEqual(off, ["order_delivered", "welcome"]);
  });

  it("tells staff that stock is low", async () => {
    const { sku } = await putOnSale(admin, { onHand: 5 });
    await admin.http.expect(200, "PATCH", `/inventory/${sku}`, { body: { lowAt: 10 } });
    await sentOf("kind=stock_low", ["stock_low"]);
  });
});
