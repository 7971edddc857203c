import assert from "node:assert/strict";
import { importPKCS8 } from "jose";
import { newId } from "../../broker/contract/ids.ts";
import { signAccessToken } from "../../broker/http/access/access-token.ts";
import { FRESH_MS } from "../../broker/http/access/live-answers.ts";
import { systemClock } from "../../broker/resilience/clock.ts";
import { firstAdmin, hireStaff, PASSWORD, type Person, signIn, signUp } from "../../souk/testing/people.ts";
import { type Shop, startShop } from "../../souk/testing/start-shop.ts";

interface SessionList {
  items: { id: string; current: boolean; userAgent?: string }[];
}

describe("who is signed in to a running shop", () => {
  let shop: Shop;
  let skew = 0;
  before(async function () {
    this.timeout(30_000);
    shop = await startShop({ clock: { now: () => systemClock.now() + skew } });
  });
  after(() => shop?.stop());

  const accounts = () => shop.node.runtime.database("users").collection<{ _id: string }>("accounts");
  const statusOf = async ({ http }: Pick<Person, "http">, path = "/users/me") =>
    (await http.request("GET", path)).status;

  it("sees the sessions and ends one, whose access token is refused at once", async () => {
    const here = await signUp(shop.http);
    const there = await signIn(shop.http, here.email);
    assert.equal(await statusOf(there), 200);
    const { items } = await here.http.expect<SessionList>(200, "GET", "/users/me/sessions");
    assert.deepEqual(items.map((it) => it.current).toSorted(), [false, true]);
    assert.ok(items.every((it) => it.userAgent));
    const other = items.find((it) => !it.current)?.id;
    await here.http.expect(204, "DELETE", `/users/me/sessions/${other}`);
    assert.equal(await statusOf(there), 401);
    assert.equal(await statusOf(here), 200);
    await shop.http.expect(401, "POST", "/auth/refresh", { body: { refreshToken: there.refreshToken } });
  });

  it("changes the password, and whoever else was signed in is out at once", async () => {
    const here = await signUp(shop.http);
    const there = await signIn(shop.http, here.email);
    assert.equal(await statusOf(there), 200);
    const body = { currentPassword: PASSWORD, password: "another good passphrase" };
    await here.http.expect(204, "PUT", "/users/me/password", { body });
    assert.deepEqual([await statusOf(here), await statusOf(there)], [200, 401]);
  });

  it("is told the field when the password for a new e-mail address is missing, wrong or weak", async () => {
    const { http } = await signUp(shop.http);
    const fields = async (method: string, path: string, body: object) => {
      const reply = await http.request<{ code: string; errors: { field: string }[] }>(method, path, { body });
      return [reply.status, reply.body.code, reply.body.errors?.map((it) => it.field).join()];
    };
    const email = `${newId()}@example.com`;
    assert.deepEqual(await fields("POST", "/users/me/email", { email }), [
      422,
      "VALIDATION_FAILED",
      "currentPassword",
    ]);
    assert.deepEqual(await fields("POST", "/users/me/email", { email, currentPassword: "no" }), [
      403,
      "WRONG_PASSWORD",
      "currentPassword",
    ]);
    const weak = { currentPassword: PASSWORD, password: "password123" };
    assert.deepEqual(await fields("PUT", "/users/me/password", weak), [422, "WEAK_PASSWORD", "password"]);
  });

  it("is refused with a token that was made with the shop's own stolen key", async () => {
    const admin = await firstAdmin(shop.http);
    const [stolen] = await shop.node.runtime
      .database("users")
      .collection<{ kid: string; privateKey: string }>("signing_keys")
      .find()
      .toArray();
    const key = await importPKCS8(stolen?.privateKey ?? "", "ES256");
    const sid = (await admin.http.expect<SessionList>(200, "GET", "/users/me/sessions")).items[0]?.id ?? "";
    const forge = async (sub: string, session: string, seconds: number) => ({
      http: shop.http.as(
        await signAccessToken(
          key,
          stolen?.kid ?? "",
          { sub, sid: session, roles: ["admin"] },
          seconds,
          systemClock,
        ),
      ),
    });
    assert.equal(await statusOf(await forge(admin.id, newId(), 900)), 401, "no such session");
    assert.equal(await statusOf(await forge(admin.id, sid, 901)), 401, "too long a life");
    assert.equal(await statusOf(await forge(newId(), sid, 900)), 401, "no such account");
    const customer = await signUp(shop.http);
    const own =
      (await customer.http.expect<SessionList>(200, "GET", "/users/me/sessions")).items[0]?.id ?? "";
    assert.equal(await statusOf(await forge(customer.id, own, 900)), 401, "not its roles");
  });

  it("is out within seconds when account or role are taken away behind the shop's back", async () => {
    const gone = await signUp(shop.http);
    const demoted = await hireStaff(shop);
    assert.deepEqual([await statusOf(gone), await statusOf(demoted, "/payments/openings")], [200, 200]);
    await accounts().deleteOne({ _id: gone.id });
    await accounts().updateOne({ _id: demoted.id }, { $set: { roles: ["customer"] } });
    skew += FRESH_MS;
    assert.deepEqual(
      [await statusOf(gone, "/cart"), await statusOf(demoted, "/payments/openings")],
      [401, 401],
    );
  });
});
