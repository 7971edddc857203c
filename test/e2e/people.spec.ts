import assert from "node:assert/strict";
import { newId } from "../../broker/contract/ids.ts";
import { makeApiKey } from "../../broker/http/access/api-key.ts";
import { eventually } from "../../souk/testing/eventually.ts";
import type { HttpClient } from "../../souk/testing/http-client.ts";
import {
  firstAdmin,
  hireStaff,
  order,
  PASSWORD,
  type Person,
  putOnSale,
  signIn,
  signUp,
} from "../../souk/testing/people.ts";
import { type Shop, startShop } from "../../souk/testing/start-shop.ts";

interface Account {
  id: string;
  roles: string[];
  scopes: string[];
  mayDo: string[];
  blocked: boolean;
  invited: boolean;
}
interface Stored {
  _id: string;
  mail: { invitation?: { id: string }[] };
}
interface Act {
  actor: { kind: string; id: string; userId: string };
  action: string;
  resourceId?: string;
  outcome: string;
  status?: number;
}

describe("the people of a running shop", () => {
  let shop: Shop;
  let admin: Person;
  before(async function () {
    this.timeout(30_000);
    shop = await startShop();
    admin = await firstAdmin(shop.http);
  });
  after(() => shop?.stop());

  const patch = (by: HttpClient, id: string, body: object) =>
    by.request<Account & { code: string }>("PATCH", `/users/${id}`, { body });
  /** A member of staff with these rights. */
  const hire = async (rights: { roles?: string[]; scopes?: string[] }): Promise<Person> => {
    const person = await signUp(shop.http, "Sam");
    const { status, body } = await patch(admin.http, person.id, rights);
    assert.equal(status, 200, JSON.stringify(body));
    return signIn(shop.http, person.email);
  };
  const keyOf = async ({ http }: Pick<Person, "http">, scopes: string[]) => {
    const body = { name: "Scanner", scopes };
    const { id, key } = await http.expect<{ id: string; key: string }>(201, "POST", "/api-keys", { body });
    return { id, key, http: shop.http.as(key) };
  };
  const status = async (http: HttpClient, path: string) => (await http.request("GET", path)).status;
  const users = () => shop.node.runtime.database("users");
  const acts = () =>
    users().collection<{ act: Act; outcome: string; outbox?: unknown[] }>("staff_acts").find().toArray();

  describe("may do as staff", () => {
    it("what their roles and scopes name, at once, and nothing beside", async () => {
      const sam = await hire({ roles: ["warehouse"] });
      assert.equal(await status(sam.http, "/inventory"), 200);
      const refused = await sam.http.expect<{ detail: string }>(403, "GET", "/payments");
      assert.match(refused.detail, /payments:read/);
      await patch(admin.http, sam.id, { roles: [], scopes: ["payments:read"] });
      assert.deepEqual(
        [await status(sam.http, "/inventory"), await status(sam.http, "/payments")],
        [403, 200],
      );
    });

    it("everything but staff's rights where the account is of before roles", async () => {
      const sam = await hireStaff(shop);
      const { roles, mayDo } = await admin.http.expect<Account>(200, "GET", `/users/${sam.id}`);
      assert.deepEqual(roles, ["staff"]);
      assert.ok(mayDo.includes("orders:write") && !mayDo.some((it) => it.startsWith("staff:")));
      assert.equal(await status(sam.http, "/roles"), 403);
    });

    it("with everybody's orders only what the scope says", async () => {
      const article = await putOnSale(admin);
      const { id } = await order(await signUp(shop.http), article.sku);
      const reader = await hire({ scopes: ["orders:read"] });
      const other = await hire({ scopes: ["stock:read"] });
      assert.deepEqual(
        [await status(reader.http, `/orders/${id}`), await status(other.http, `/orders/${id}`)],
        [200, 404],
      );
      assert.equal(await status(other.http, "/orders?all=true"), 403);
      await reader.http.expect(404, "POST", `/orders/${id}/cancel`, { body: {} });
    });

    it("what a role says after its change, on sessions that were there before", async () => {
      const name = `packers-${newId().slice(-6)}`;
      const role = { scopes: ["deliveries:read"] };
      await admin.http.expect(201, "POST", "/roles", { body: { name, ...role } });
      const sam = await hire({ roles: [name] });
      assert.equal(await status(sam.http, "/deliveries"), 200);
      await admin.http.expect(409, "DELETE", `/roles/${name}`);
      await admin.http.expect(200, "PUT", `/roles/${name}`, { body: { scopes: ["stock:read"] } });
      assert.deepEqual(
        [await status(sam.http, "/deliveries"), await status(sam.http, "/inventory")],
        [403, 200],
      );
      await patch(admin.http, sam.id, { roles: [] });
      await admin.http.expect(204, "DELETE", `/roles/${name}`);
    });
  });

  describe("can't get rights that they have not", () => {
    it("by changing themselves or others, or a role", async () => {
      const boss = await hire({ scopes: ["staff:write", "staff:read", "customers:write", "stock:read"] });
      const friend = await signUp(shop.http);
      for (const rights of [{ roles: ["admin"] }, { roles: ["finance"] }, { scopes: ["orders:write"] }])
        for (const id of [boss.id, friend.id])
          assert.equal((await patch(boss.http, id, rights)).status, 403, JSON.stringify(rights));
      const body = { name: "mine", scopes: ["payments:write"] };
      await boss.http.expect(403, "POST", "/roles", { body });
      await boss.http.expect(403, "PUT", "/roles/support", { body: { scopes: [] } });
      await boss.http.expect(404, "PUT", "/roles/admin", { body: { scopes: [] } });
      assert.equal((await patch(boss.http, friend.id, { scopes: ["stock:read"] })).status, 200);
      assert.equal((await patch(boss.http, friend.id, { scopes: ["flights:read"] })).status, 422);
      assert.equal((await patch(boss.http, friend.id, { roles: ["pilot"] })).status, 422);
    });

    it("nor change those who may do more", async () => {
      const boss = await hire({ scopes: ["staff:write", "customers:write"] });
      const mightier = await hire({ roles: ["finance"] });
      for (const id of [admin.id, mightier.id])
        for (const change of [{ blocked: true }, { roles: [] }])
          assert.equal((await patch(boss.http, id, change)).status, 403);
      const support = await hire({ scopes: ["customers:write"] });
      assert.equal((await patch(support.http, boss.id, { blocked: true })).status, 403);
      const customer = await signUp(shop.http);
      assert.equal((await patch(support.http, customer.id, { blocked: true })).body.blocked, true);
      assert.equal(await status(customer.http, "/users/me"), 401);
    });

    it("and the last admin stays one, also when two take each other away at once", async () => {
      assert.equal((await patch(admin.http, admin.id, { roles: [] })).body.code, "LAST_ADMIN");
      assert.equal((await patch(admin.http, admin.id, { blocked: true })).body.code, "LAST_ADMIN");
      const second = await hire({ roles: ["admin"] });
      const both = await Promise.all([
        patch(admin.http, second.id, { roles: [] }),
        patch(second.http, admin.id, { roles: [] }),
      ]);
      const statuses = both.map((it) => it.status).sort();
      // The second is refused as the last one, or because it is no admin any more.
      assert.equal(statuses[0], 200, JSON.stringify(both.map((it) => it.body)));
      assert.notEqual(statuses[1], 200);
      const left = await users().collection("accounts").countDocuments({ roles: "admin" });
      assert.equal(left, 1);
      const winner = both[0]?.status === 200 ? admin : second;
      if (winner !== admin) admin = await promoteAgain(second);
    });
    const promoteAgain = async (second: Person): Promise<Person> => {
      assert.equal((await patch(second.http, admin.id, { roles: ["admin"] })).status, 200);
      return signIn(shop.http, admin.email);
    };
  });

  describe("are invited to the staff", () => {
    const tokenFor = async (userId: string) => {
      const account = await users().collection<Stored>("accounts").findOne({ _id: userId });
      const { id: requestId } = account?.mail.invitation?.at(-1) ?? assert.fail("there is no request");
      const asked = { userId, requestId, purpose: "invitation" };
      const answer = await shop.node.broker.call<{ token: string }, object>("users.issueMailToken", asked);
      return answer.token;
    };
    const invite = (by: HttpClient, roles: string[], email = `${newId()}@example.com`) =>
      by.request<Account>("POST", "/users/invitations", { body: { email, name: "Ira", roles } });
    const accept = (token: string) =>
      shop.http.request<{ accessToken: string; user: { roles: string[] } }>(
        "POST",
        "/auth/invitations/accept",
        {
          body: { token, password: PASSWORD, name: "Ira" },
        },
      );

    it("by a mail whose token is good once, and can't sign in before", async () => {
      const email = `${newId()}@example.com`;
      const { status: made, body: account } = await invite(admin.http, ["warehouse"], email);
      assert.deepEqual([made, account.invited, account.roles], [201, true, ["warehouse"]]);
      await shop.http.expect(401, "POST", "/auth/login", { body: { email, password: PASSWORD } });
      await shop.http.expect(202, "POST", "/auth/password/forgot", { body: { email } });
      const stored = await users().collection<Stored>("accounts").findOne({ _id: account.id });
      assert.deepEqual(Object.keys(stored?.mail ?? {}), ["invitation"], "a reset would be another way in");
      const token = await tokenFor(account.id);
      const { status: accepted, body } = await accept(token);
      assert.deepEqual([accepted, body.user.roles], [200, ["customer", "staff"]]);
      assert.equal(await status(shop.http.as(body.accessToken), "/inventory"), 200);
      assert.equal((await accept(token)).status, 401);
      assert.equal((await invite(admin.http, ["support"], email)).status, 409);
    });

    it("and get nothing that who invited may no longer grant, nor from an earlier mail", async () => {
      const boss = await hire({ roles: ["warehouse"], scopes: ["staff:write"] });
      assert.equal((await invite(boss.http, ["admin"])).status, 403);
      assert.equal((await invite(boss.http, ["finance"])).status, 403);
      const email = `${newId()}@example.com`;
      const { body: account } = await invite(boss.http, ["warehouse"], email);
      const first = await tokenFor(account.id);
      await invite(boss.http, ["warehouse"], email);
      assert.equal((await accept(first)).status, 401);
      const second = await tokenFor(account.id);
      await patch(admin.http, boss.id, { blocked: true });
      assert.equal((await accept(second)).status, 401);
    });
  });

  describe("are listed to staff", () => {
    it("page by page, by role and by the beginning of an address", async () => {
      const ann = await signUp(shop.http, "Ann");
      const sam = await hire({ roles: ["support"] });
      const list = async (query: string) =>
        await sam.http.expect<{ items: Account[]; nextCursor: string | null }>(200, "GET", `/users?${query}`);
      assert.deepEqual(
        (await list(`q=${ann.email.slice(0, 30)}`)).items.map((it) => it.id),
        [ann.id],
      );
      assert.ok((await list("role=support")).items.every((it) => it.roles.includes("support")));
      assert.ok((await list("role=admin")).items.every((it) => it.roles.includes("admin")));
      const first = await list("limit=1");
      const second = await list(`limit=1&cursor=${first.nextCursor}`);
      assert.notEqual(first.items[0]?.id, second.items[0]?.id);
      await sam.http.expect(422, "GET", `/users?limit=1&role=admin&cursor=${first.nextCursor}`);
      assert.doesNotMatch(JSON.stringify(await list("limit=100")), /passwordHash|argon2|tokens/);
    });
  });

  describe("make keys for machines", () => {
    it("that may do what they name, are not the maker on routes of customers, and grant nothing", async () => {
      const { http } = await keyOf(admin, ["stock:read", "staff:write", "staff:read", "customers:write"]);
      assert.equal(await status(http, "/inventory"), 200);
      for (const path of ["/payments", "/users/me", "/users/me/addresses", "/orders"])
        assert.equal(await status(http, path), 403, path);
      assert.equal(await status(http, "/products"), 200);
      await http.expect(403, "POST", "/api-keys", { body: { name: "Child", scopes: ["stock:read"] } });
      const email = `${newId()}@example.com`;
      await http.expect(403, "POST", "/users/invitations", {
        body: { email, name: "x", roles: ["support"] },
      });
      const friend = await signUp(shop.http);
      assert.equal((await patch(http, friend.id, { scopes: ["stock:read"] })).status, 403);
      assert.equal((await patch(http, admin.id, { blocked: true })).status, 403);
    });

    it("see everybody's orders with the scope, and are nobody's customer", async () => {
      const { http } = await keyOf(admin, ["orders:read"]);
      assert.equal(await status(http, "/orders?all=true"), 200);
      const { items } = await http.expect<{ items: unknown[] }>(200, "GET", "/orders");
      assert.deepEqual(items, []);
    });

    it("are kept as a hash, shown once, and noted when used", async () => {
      const { id, key, http } = await keyOf(admin, ["stock:read"]);
      assert.match(key, /^souk_[0-9a-f]{32}_[0-9a-f]{72}$/);
      const listed = () =>
        admin.http.expect<{ items: { id: string; lastUsedAt: string | null }[] }>(200, "GET", "/api-keys");
      assert.equal((await listed()).items[0]?.lastUsedAt, null);
      assert.equal(await status(http, "/inventory"), 200);
      await eventually("the use is noted", async () => (await listed()).items[0]?.lastUsedAt !== null);
      assert.equal((await listed()).items[0]?.id, id);
      const stored = JSON.stringify(await users().collection("api_keys").find().toArray());
      assert.ok(
        !stored.includes(key.slice(38, 102)) && !JSON.stringify(await listed()).includes(key.slice(38, 102)),
      );
    });

    it("that end at once: revoked, of a maker who is blocked or may do less, invented or changed", async () => {
      const revoked = await keyOf(admin, ["stock:read"]);
      assert.equal(await status(revoked.http, "/inventory"), 200);
      await admin.http.expect(204, "DELETE", `/api-keys/${revoked.id}`);
      assert.equal(await status(revoked.http, "/inventory"), 401);

      const maker = await hire({ scopes: ["staff:write", "stock:read", "orders:read"] });
      await maker.http.expect(403, "POST", "/api-keys", { body: { name: "x", scopes: ["payments:read"] } });
      const { http, key, id } = await keyOf(maker, ["stock:read", "orders:read"]);
      assert.equal(await status(http, "/inventory"), 200);
      await patch(admin.http, maker.id, { scopes: ["staff:write", "orders:read"] });
      assert.deepEqual(
        [await status(http, "/inventory"), await status(http, "/orders?all=true")],
        [403, 200],
      );
      await patch(admin.http, maker.id, { blocked: true });
      assert.equal(await status(http, "/orders?all=true"), 401);
      await patch(admin.http, maker.id, { blocked: false });
      assert.equal(await status(http, "/orders?all=true"), 200);

      const changed = key.slice(0, -1) + (key.endsWith("0") ? "1" : "0");
      for (const bad of [changed, makeApiKey(id).key, makeApiKey(newId()).key, "souk_x"])
        assert.equal(await status(shop.http.as(bad), "/products"), 401, bad);
    });
  });

  it("are erased by staff: nothing of the person stays in accounts, and nobody is signed in", async () => {
    const ann = await signUp(shop.http, "Annabel Unmistakable");
    const support = await hire({ scopes: ["customers:write"] });
    assert.equal((await support.http.request("DELETE", `/users/${admin.id}`)).status, 403);
    assert.equal((await admin.http.request("DELETE", `/users/${admin.id}`)).status, 409);
    await support.http.expect(204, "DELETE", `/users/${ann.id}`);
    assert.equal(await status(ann.http, "/users/me"), 401);
    await shop.http.expect(401, "POST", "/auth/login", { body: { email: ann.email, password: PASSWORD } });
    const left = await eventually("its messages have left", async () => {
      const account = await users()
        .collection<Stored & { outbox?: unknown[] }>("accounts")
        .findOne({ _id: ann.id });
      return (account?.outbox ?? []).length === 0 && account;
    });
    assert.doesNotMatch(JSON.stringify(left), new RegExp(`Annabel|${ann.email}`));
  });

  it("are on record for what they change as staff, done or refused, before it happens", async () => {
    const sam = await hire({ scopes: ["stock:write"] });
    const sku = `SKU-${newId()}`;
    await sam.http.expect(201, "POST", "/inventory", { body: { sku, onHand: 3 } });
    await sam.http.expect(409, "POST", "/inventory", { body: { sku, onHand: 3 } });
    await sam.http.expect(403, "POST", "/categories", { body: { name: "Lamps" } });
    const key = await keyOf(admin, ["stock:write"]);
    await key.http.expect(200, "PATCH", `/inventory/${sku}`, { body: { lowAt: 1 } });
    const told = (act: Act, outcome: string) => [act.actor.kind, act.action, outcome, act.resourceId];
    await eventually("all acts are told", async () => {
      const found = (await acts()).filter((it) => [sam.id, key.id].includes(it.act.actor.id));
      assert.ok(found.every((it) => (it.outbox ?? []).length === 0));
      assert.deepEqual(found.map((it) => told(it.act, it.outcome)).sort(), [
        ["key", "inventory.configure", "succeeded", sku],
        ["user", "inventory.create", "refused", undefined],
        ["user", "inventory.create", "succeeded", undefined],
        ["user", "products.createCategory", "refused", undefined],
      ]);
      return true;
    });
  });
});
