import assert from "node:assert/strict";
import { newId } from "../../broker/contract/ids.ts";
import { API_BASE, type ApiRoute, apiRoutes } from "../../broker/http/api-route.ts";
import core from "../../services/index.ts";
import { anAddress } from "../../souk/testing/address.ts";
import { order, putInCart, signUp } from "../../souk/testing/people.ts";
import { type Shop, startShop } from "../../souk/testing/start-shop.ts";
import {
  type ApiRequest,
  type Caller,
  callers,
  createWorld,
  type Row,
  type World,
} from "./support/access.ts";
import { rows } from "./support/access-rows.ts";
import { changed, settled } from "./support/database.ts";

/** Collections whose documents are removed after a while, also during a test. */
const PASSING = ["idempotency_keys", "mailbox", "tickets"];

describe("who may do what, on every route of a running shop", () => {
  let shop: Shop;
  let world: World;
  const routes = apiRoutes(core.contracts);

  before(async function () {
    this.timeout(30_000);
    // Nothing may write by itself while requests are observed.
    shop = await startShop({
      env: {
        RECONCILE_FIRST: "1h",
        WEBHOOKS_RETRY_FIRST: "12h",
        MAX_OPEN_ORDERS: "100",
        REVIEWS_PER_HOUR: "1000",
      },
    });
    world = await createWorld(shop);
  });
  after(() => shop?.stop());

  interface Answer {
    status: number;
    body: Record<string, unknown> | undefined;
  }

  async function send({ method }: ApiRoute, request: ApiRequest, caller: Caller): Promise<Answer> {
    const { path, query = {}, body, file, headers } = request;
    const person = caller === "guest" ? undefined : world[caller];
    const search = new URLSearchParams(query).toString();
    const abort = new AbortController();
    const reply = await fetch(`${shop.url}${API_BASE}${path}${search && `?${search}`}`, {
      method,
      signal: abort.signal,
      headers: {
        ...(person ? { authorization: `Bearer ${person.accessToken}` } : {}),
        ...(body ? { "content-type": "application/json" } : {}),
        ...(file ? { "content-type": file.type } : {}),
        ...headers,
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
      ...(file ? { body: file.bytes } : {}),
    });
    const type = reply.headers.get("content-type") ?? "";
    if (reply.status >= 400) assert.equal(type, "application/problem+json");
    if (type === "text/event-stream") abort.abort();
    const text = abort.signal.aborted ? "" : await reply.text();
    return { status: reply.status, body: type.includes("json") ? JSON.parse(text) : undefined };
  }

  const isRefusal = ({ expect }: Row, caller: Caller) => [401, 403, 404].includes(expect[caller]);

  it("has a row for every route, and none for a route that there is not", () => {
    assert.deepEqual(Object.keys(rows).sort(), routes.map((it) => it.action).sort());
  });

  for (const route of routes) {
    const row = rows[route.action];
    if (!row) continue;
    const shown = callers.map((caller) => `${caller} ${row.expect[caller]}`).join(", ");

    it(`${route.method} ${route.pattern}: ${shown}`, async function () {
      this.timeout(20_000);
      const refused = callers.filter((caller) => isRefusal(row, caller));
      // Made first, so that refused requests meet an idle shop.
      const requests = new Map<Caller, ApiRequest>();
      for (const caller of callers) requests.set(caller, await row.ask(world, caller));
      const requestOf = (caller: Caller) => requests.get(caller) ?? assert.fail(`no request for ${caller}`);

      if (refused.length > 0) {
        const before = await settled(shop, PASSING);
        for (const caller of refused) {
          const { status, body } = await send(route, requestOf(caller), caller);
          assert.equal(status, row.expect[caller], `${caller}: ${JSON.stringify(body)}`);
        }
        assert.deepEqual(
          changed(before, await settled(shop, PASSING)),
          [],
          "a refused request wrote something",
        );
      }
      for (const caller of callers.filter((it) => !isRefusal(row, it))) {
        const { status, body } = await send(route, requestOf(caller), caller);
        assert.equal(status, row.expect[caller], `${caller}: ${JSON.stringify(body)}`);
        if (body) row.check?.(body, world, caller);
      }
    });

    if (row.expect.other === 404)
      it(`${route.method} ${route.pattern} tells somebody else's from none at all by nothing`, async () => {
        const request = await row.ask(world, "other");
        const { path, headers } = request;
        const nobodys = path.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/, newId());
        assert.notEqual(nobodys, path);
        const [theirs, none] = [
          await send(route, request, "other"),
          await send(
            route,
            { ...request, path: nobodys, headers: { ...headers, "idempotency-key": newId() } },
            "other",
          ),
        ];
        const essence = ({ status, body: { code, title, detail } = {} }: Answer) => ({
          status,
          code,
          title,
          detail,
        });
        assert.deepEqual(essence(theirs), essence(none));
      });
  }

  it("lists to a customer the customer's own orders only, whatever is asked for", async () => {
    await order(world.owner, world.article.sku);
    const stranger = await signUp(shop.http);
    const mine = await order(stranger, world.article.sku);
    const listed = await stranger.http.expect<{ items: { id: string }[] }>(200, "GET", "/orders?limit=100");
    assert.deepEqual(
      listed.items.map((it) => it.id),
      [mine.id],
    );
    await stranger.http.expect(403, "GET", "/orders?all=true");
    await stranger.http.expect(422, "GET", `/orders?customerId=${world.owner.id}`);
    const all = await world.staff.http.expect<{ items: unknown[] }>(200, "GET", "/orders?all=true&limit=100");
    assert.ok(all.items.length > 1);
  });

  it("shows a user's cart to nobody who names it as a guest's", async () => {
    await putInCart(world.owner, world.article.sku);
    const cart = await shop.http
      .with({ "x-cart-id": world.owner.id })
      .expect<{ lines: unknown[] }>(200, "GET", "/cart");
    assert.deepEqual(cart.lines, []);
  });

  it("orders to nobody's address but the caller's own", async () => {
    const { id } = await world.owner.http.expect<{ id: string }>(201, "POST", "/users/me/addresses", {
      body: anAddress({ name: "Owen" }),
    });
    await putInCart(world.other, world.article.sku);
    const body = { addressId: id, payment: { provider: "sandbox" } };
    await world.other.http.expect(404, "POST", "/orders", { body, headers: { "idempotency-key": newId() } });
  });

  it("keeps one caller's Idempotency-Key apart from another's", async () => {
    const [first, second] = [await signUp(shop.http), await signUp(shop.http)];
    const key = { "idempotency-key": "the-same-for-both" };
    const body = {
      shippingAddress: anAddress(),
      payment: { provider: "sandbox" },
    };
    const ids: string[] = [];
    for (const person of [first, second]) {
      await putInCart(person, world.article.sku);
      ids.push((await person.http.expect<{ id: string }>(201, "POST", "/orders", { body, headers: key })).id);
    }
    assert.notEqual(ids[0], ids[1]);
  });
});
