import assert from "node:assert/strict";
import { serviceOf } from "../../broker/contract/contract.ts";
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
import {
  createScopedCallers,
  expectedOf,
  type ScopedCaller,
  type ScopedCallers,
  scopedCallers,
} from "./support/scoped-callers.ts";

/** Collections whose documents change by themselves, also during a test, or tell of requests. */
const PASSING = [
  "idempotency_keys",
  "mailbox",
  "tickets",
  "staff_acts",
  "api_keys",
  "review_writes",
  // Those to a browser that there is not are tried again and again.
  "notifications",
];

describe("who may do what, on every route of a running shop", () => {
  let shop: Shop;
  let world: World;
  let people: Partial<Record<Caller, string>>;
  let scoped: ScopedCallers;
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
    const { owner, other, staff, admin } = world;
    people = {
      owner: owner.accessToken,
      other: other.accessToken,
      staff: staff.accessToken,
      admin: admin.accessToken,
    };
    scoped = await createScopedCallers(world);
  });
  after(() => shop?.stop());

  interface Answer {
    status: number;
    body: Record<string, unknown> | undefined;
  }

  /** A row's requests: one for all callers where it does not matter who sends it. */
  async function requestsOf(row: Row): Promise<(caller: Caller) => Promise<ApiRequest>> {
    if (row.ask.length > 1) return async (caller) => row.ask(world, caller);
    let request: Promise<ApiRequest> | undefined;
    return (caller) => {
      request ??= Promise.resolve(row.ask(world, caller));
      return request;
    };
  }

  /** Requests that nobody was served for: of a read, the same for all. @param refused one that was refused to others */
  async function unusedOf(route: ApiRoute, row: Row, refused: ApiRequest | undefined) {
    if (route.method === "GET") return requestsOf(row);
    let unused = row.ask.length > 1 ? undefined : refused;
    return async (caller: Caller): Promise<ApiRequest> => {
      const request = unused ?? (await row.ask(world, caller));
      unused = undefined;
      return request;
    };
  }

  async function send({ method }: ApiRoute, request: ApiRequest, token: string | undefined): Promise<Answer> {
    const { path, query = {}, body, file, headers } = request;
    const search = new URLSearchParams(query).toString();
    const abort = new AbortController();
    const reply = await fetch(`${shop.url}${API_BASE}${path}${search && `?${search}`}`, {
      method,
      signal: abort.signal,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
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

  const REFUSALS = [401, 403, 404];
  const everyCaller = [...callers, ...scopedCallers];
  type EveryCaller = (typeof everyCaller)[number];
  const isScoped = (caller: EveryCaller): caller is ScopedCaller => !callers.some((it) => it === caller);
  const expected = (route: ApiRoute, row: Row, caller: EveryCaller): number | undefined =>
    isScoped(caller) ? expectedOf(route, row, caller) : row.expect[caller];
  /** For whom a row makes the request of staff or a machine. */
  const standsFor = (route: ApiRoute, caller: EveryCaller): Caller =>
    !isScoped(caller)
      ? caller
      : caller.endsWith("with")
        ? "staff"
        : caller === "staff without"
          ? "other"
          : route.auth === "public"
            ? "guest"
            : "other";

  it("has a row for every route, and none for a route that there is not", () => {
    assert.deepEqual(Object.keys(rows).sort(), routes.map((it) => it.action).sort());
  });

  const services = [...new Set(routes.map((it) => serviceOf(it.action)))];
  for (const service of services) {
    const own = routes.flatMap((route) => {
      const row = serviceOf(route.action) === service ? rows[route.action] : undefined;
      return row ? [{ route, row }] : [];
    });
    const refusedOf = (route: ApiRoute, row: Row) =>
      everyCaller.filter((it) => REFUSALS.includes(expected(route, row, it) ?? 0));

    describe(`of ${service}`, () => {
      const refusals = new Map<string, { caller: EveryCaller; request: ApiRequest; answer: Answer }[]>();
      let tokens: Partial<Record<EveryCaller, string>>;
      let wrote: string[];

      // All of the service at once, because it takes a while until a shop has nothing left to write.
      before(async function () {
        this.timeout(60_000);
        tokens = { ...people, ...(await scoped.without(own.map((it) => it.route))) };
        // Made before, because making a key is a write.
        for (const { route } of own) await scoped.keyWith(route);
        const planned: { route: ApiRoute; caller: EveryCaller; request: ApiRequest }[] = [];
        for (const { route, row } of own) {
          const shared = await requestsOf(row);
          for (const caller of refusedOf(route, row))
            planned.push({ route, caller, request: await shared(standsFor(route, caller)) });
        }
        const before = await settled(shop, PASSING);
        for (const { route, caller, request } of planned) {
          const token = caller === "key with" ? await scoped.keyWith(route) : tokens[caller];
          const answer = await send(route, request, token);
          const { action } = route;
          refusals.set(action, [...(refusals.get(action) ?? []), { caller, request, answer }]);
        }
        wrote = changed(before, await settled(shop, PASSING));
      });

      it("writes nothing for who is refused", () => assert.deepEqual(wrote, []));

      for (const { route, row } of own) {
        const shown = everyCaller.flatMap((it) => {
          const status = expected(route, row, it);
          return status === undefined ? [] : [`${it} ${status}`];
        });

        it(`${route.method} ${route.pattern}: ${shown.join(", ")}`, async function () {
          this.timeout(30_000);
          for (const { caller, answer } of refusals.get(route.action) ?? [])
            assert.equal(
              answer.status,
              expected(route, row, caller),
              `${caller}: ${JSON.stringify(answer.body)}`,
            );
          const refused = refusedOf(route, row);
          const given = {
            ...tokens,
            "staff with": await scoped.staffWith(route),
            "key with": await scoped.keyWith(route),
          };
          const ask = await unusedOf(route, row, refusals.get(route.action)?.[0]?.request);
          for (const caller of everyCaller) {
            const status = expected(route, row, caller);
            if (status === undefined || refused.includes(caller)) continue;
            const as = standsFor(route, caller);
            const answer = await send(route, await ask(as), given[caller]);
            assert.equal(answer.status, status, `${caller}: ${JSON.stringify(answer.body)}`);
            if (answer.body && answer.status < 400) row.check?.(answer.body, world, as);
          }
        });

        if (row.expect.other === 404)
          it(`${route.method} ${route.pattern} tells somebody else's from none at all by nothing`, async () => {
            const theirs =
              refusals.get(route.action)?.find((it) => it.caller === "other") ?? assert.fail("nobody asked");
            const { path, headers } = theirs.request;
            const nobodys = path.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/, newId());
            assert.notEqual(nobodys, path);
            const request = {
              ...theirs.request,
              path: nobodys,
              headers: { ...headers, "idempotency-key": newId() },
            };
            const none = await send(route, request, tokens.other);
            const essence = ({ status, body: { code, title, detail } = {} }: Answer) => ({
              status,
              code,
              title,
              detail,
            });
            assert.deepEqual(essence(theirs.answer), essence(none));
          });
      }
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
