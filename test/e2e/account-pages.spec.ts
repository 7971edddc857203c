/** The pages behind the links of mails: they show a form, and only the form does something. */
import assert from "node:assert/strict";
import { newId } from "../../broker/contract/ids.ts";
import { accountModel } from "../../services/users/models/account.model.ts";
import type { MailPurpose } from "../../services/users/users.contract.ts";
import { eventually } from "../../souk/testing/eventually.ts";
import { firstAdmin, PASSWORD, type Person, signIn, signUp } from "../../souk/testing/people.ts";
import { type Shop, startShop } from "../../souk/testing/start-shop.ts";

describe("a link of a mail", () => {
  let shop: Shop;
  let ann: Person;
  before(async function () {
    this.timeout(30_000);
    shop = await startShop();
    ann = await signUp(shop.http);
  });
  after(() => shop?.stop());

  const account = async () =>
    (await accountModel.bind(shop.node.runtime.database("users")).findById(ann.id).lean()) ?? assert.fail();
  const tokens = async (purpose: MailPurpose): Promise<string[]> => {
    const requests = (await account()).mail?.[purpose] ?? [];
    return Promise.all(
      requests.map(async ({ id: requestId }) => {
        const params = { userId: ann.id, requestId, purpose };
        return (await shop.node.broker.call<{ token: string }, object>("users.issueMailToken", params)).token;
      }),
    );
  };
  const get = (path: string, token = "") => fetch(`${shop.url}${path}?token=${encodeURIComponent(token)}`);
  const post = (path: string, fields: Record<string, string>) =>
    fetch(`${shop.url}${path}`, { method: "POST", body: new URLSearchParams(fields) });

  it("shows a form under a strict policy, stores nothing in caches, and changes nothing", async () => {
    const [token = ""] = await tokens("verify");
    const reply = await get("/account/verify", token);
    assert.equal(reply.status, 200);
    const policy = reply.headers.get("content-security-policy") ?? "";
    assert.match(
      policy,
      /^default-src 'none'; style-src 'sha256-.*form-action 'self'; frame-ancestors 'none'$/,
    );
    assert.equal(reply.headers.get("cache-control"), "no-store");
    assert.equal(reply.headers.get("referrer-policy"), "no-referrer");
    assert.ok((await reply.text()).includes(`value="${token}"`));
    assert.equal((await account()).emailVerifiedAt, undefined);
    assert.equal((await get("/account/verify")).status, 400);
    const hostile = await (await get("/account/verify", `"><script>alert(1)</script>`)).text();
    assert.ok(!hostile.includes("<script>"));
  });

  it("verifies the address by the form, once", async () => {
    const [token = ""] = await tokens("verify");
    assert.equal((await post("/account/verify", { token })).status, 200);
    assert.ok((await account()).emailVerifiedAt);
    const again = await post("/account/verify", { token });
    assert.equal(again.status, 401);
    assert.match(await again.text(), /used already, or is too old/);
  });

  it("sets a new password, and says what is wrong with a weak one", async () => {
    await shop.http.expect(202, "POST", "/auth/password/forgot", { body: { email: ann.email } });
    const [token = ""] = await tokens("reset");
    const weak = await post("/account/reset", { token, password: "password123" });
    assert.equal(weak.status, 422);
    assert.match(await weak.text(), /role="alert"/);
    assert.equal((await post("/account/reset", { token, password: "a better passphrase" })).status, 200);
    const body = { email: ann.email, password: "a better passphrase" };
    ann = {
      ...ann,
      http: shop.http.as((await shop.http.expect<Person>(200, "POST", "/auth/login", { body })).accessToken),
    };
  });

  it("makes an invited person a member of staff", async () => {
    const admin = await firstAdmin(shop.http);
    const email = `${newId()}@example.com`;
    const invitation = { email, name: "Sam", roles: ["support"] };
    await admin.http.expect(201, "POST", "/users/invitations", { body: invitation });
    const mails = shop.node.runtime.database("notifications").collection<{ text: string }>("mailbox");
    const mail = await eventually(
      "the mail has come",
      async () => (await mails.findOne({ kind: "invitation", "to.address": email })) ?? false,
    );
    const link = /\/account\/invitation\?token=([\w%.~-]+)/.exec(mail.text)?.[1] ?? assert.fail(mail.text);
    const token = decodeURIComponent(link);
    assert.match(await (await get("/account/invitation", token)).text(), /Join the staff/);
    const fields = { token, name: "Sam <b>Example</b>", password: PASSWORD };
    assert.equal((await post("/account/invitation", { ...fields, password: "password123" })).status, 422);
    assert.equal((await post("/account/invitation", fields)).status, 200);
    assert.equal((await post("/account/invitation", fields)).status, 401);
    const sam = await signIn(shop.http, email);
    await sam.http.expect(200, "GET", "/orders?all=true");
  });

  it("changes the address when both have agreed, or not when one refuses", async () => {
    const ask = async (email: string) => {
      const body = { email, currentPassword: "a better passphrase" };
      await ann.http.expect(202, "POST", "/users/me/email", { body });
      return tokens("change_email");
    };
    const [refused = ""] = await ask(`${newId()}@example.com`);
    const no = await post("/account/email", { token: refused, decision: "refuse" });
    assert.equal(no.status, 200);
    assert.equal((await account()).emailChange, undefined);
    const email = `${newId()}@example.com`;
    const both = await ask(email);
    assert.equal((await post("/account/email", { token: both[0] ?? "" })).status, 422);
    for (const token of both) {
      assert.equal((await account()).email, ann.email);
      assert.equal((await post("/account/email", { token, decision: "agree" })).status, 200);
    }
    assert.equal((await account()).email, email);
  });

  it("takes forms only, of a sensible size", async () => {
    const json = await fetch(`${shop.url}/account/reset`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ token: "x".repeat(43), password: PASSWORD }),
    });
    assert.equal(json.status, 415);
    assert.equal((await post("/account/reset", { token: "x".repeat(20_000) })).status, 413);
    assert.equal(
      (await post("/account/reset", { __proto__x: "1", token: "short", password: "x" })).status,
      422,
    );
    assert.equal((await fetch(`${shop.url}/account/reset`, { method: "PUT" })).status, 405);
  });
});
