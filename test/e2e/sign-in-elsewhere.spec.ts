/** Signing in with an account of elsewhere: with a certified provider, with one that lies, and with attackers between. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { newId } from "../../broker/contract/ids.ts";
import { accountModel } from "../../services/users/models/account.model.ts";
import { newTotpSecret } from "../../services/users/second-factor/totp.ts";
import { SIGN_IN_WITHIN_MS } from "../../services/users/sign-in-elsewhere/sign-in-elsewhere.ts";
import { freePort } from "../../souk/testing/free-port.ts";
import { HttpClient } from "../../souk/testing/http-client.ts";
import { movableClock } from "../../souk/testing/movable-clock.ts";
import { PASSWORD, type Person, signUp } from "../../souk/testing/people.ts";
import { type Shop, startShop } from "../../souk/testing/start-shop.ts";
import { type LyingProvider, startLyingProvider } from "../support/oidc/lying-provider.ts";
import {
  CLIENT,
  type ProviderPerson,
  type RealProvider,
  startProvider,
} from "../support/oidc/real-provider.ts";

interface Tokens {
  user: { id: string; email: string; emailVerified: boolean; name: string };
  accessToken: string;
}

/** A browser: it keeps cookies, and shows where it is led. */
class Browser {
  readonly cookies = new Map<string, string>();

  async get(url: string | URL): Promise<Response> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const reply = await fetch(url, { redirect: "manual", headers: cookie ? { cookie } : {} });
    for (const it of reply.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(it) ?? [];
      if (value === "") this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
    return reply;
  }

  /** Follows redirects until one leads to an address that begins like this. */
  async follow(url: string, until: string): Promise<URL> {
    let at = new URL(url);
    for (let n = 0; n < 10; n++) {
      const reply = await this.get(at);
      const location = reply.headers.get("location");
      assert.ok(location, `${at.href} answered ${reply.status}: ${await reply.text()}`);
      at = new URL(location, at);
      if (at.href.startsWith(until)) return at;
    }
    return assert.fail(`${until} was not reached`);
  }
}

describe("signing in with an account of elsewhere", () => {
  const clock = movableClock();
  let shop: Shop;
  let real: RealProvider;
  let lying: LyingProvider;
  let port: number;
  let http: HttpClient;
  before(async function () {
    this.timeout(30_000);
    port = await freePort();
    http = new HttpClient(`http://127.0.0.1:${port}`);
    const callback = `http://127.0.0.1:${port}/api/v1/auth/oidc/keycloak/callback`;
    real = await startProvider(callback);
    lying = await startLyingProvider(CLIENT.id);
    shop = await startShop({
      clock,
      env: {
        PUBLIC_URL: `http://127.0.0.1:${port}`,
        OIDC_PROVIDERS: "keycloak,other",
        OIDC_KEYCLOAK_ISSUER: real.issuer,
        OIDC_KEYCLOAK_CLIENT_ID: CLIENT.id,
        OIDC_KEYCLOAK_CLIENT_SECRET: CLIENT.secret,
        OIDC_OTHER_ISSUER: lying.issuer,
        OIDC_OTHER_CLIENT_ID: CLIENT.id,
        OIDC_OTHER_CLIENT_SECRET: CLIENT.secret,
        PORT: String(port),
      },
    });
  });
  after(async () => {
    await shop?.stop();
    real?.close();
    lying?.close();
  });

  const home = () => `http://127.0.0.1:${port}`;
  const api = () => `${home()}/api/v1`;
  const accounts = () => accountModel.bind(shop.node.runtime.database("users"));
  const newPair = () => {
    const verifier = randomBytes(32).toString("base64url");
    return { verifier, challenge: createHash("sha256").update(verifier).digest("base64url") };
  };
  const beginUrl = (challenge: string, provider = "keycloak") =>
    `${api()}/auth/oidc/${provider}?challenge=${challenge}`;
  const codeOf = async (reply: Response) =>
    ((await reply.json()) as { code?: string }).code ?? String(reply.status);
  const exchange = (code: string, verifier: string) =>
    fetch(`${api()}/auth/oidc/token`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ code, verifier }),
    });
  /** As far as the address at which the shop takes the provider's code. */
  const toCallback = async (
    person: ProviderPerson,
    browser = new Browser(),
    challenge = newPair().challenge,
  ) => {
    real.person = person;
    return {
      browser,
      callback: await browser.follow(beginUrl(challenge), `${api()}/auth/oidc/keycloak/callback`),
    };
  };
  const signIn = async (person: ProviderPerson): Promise<Response> => {
    const { verifier, challenge } = newPair();
    const { browser, callback } = await toCallback(person, undefined, challenge);
    const reply = await browser.get(callback);
    const location = reply.headers.get("location");
    if (!location) return reply;
    const back = new URL(location);
    assert.equal(back.origin + back.pathname, `${home()}/account/signed-in`);
    assert.deepEqual([...back.searchParams.keys()].sort(), ["code", "provider"]);
    return exchange(back.searchParams.get("code") ?? "", verifier);
  };
  const signedIn = async (person: ProviderPerson): Promise<Tokens> => {
    const reply = await signIn(person);
    assert.equal(reply.status, 200, await reply.clone().text());
    return (await reply.json()) as Tokens;
  };
  const someone = (more: Partial<ProviderPerson> = {}): ProviderPerson => ({
    sub: newId(),
    email: `${newId()}@example.com`,
    email_verified: true,
    name: "Ann \u202eElsewhere",
    ...more,
  });
  const verified = async (): Promise<Person> => {
    const person = await signUp(http);
    await accounts().updateOne({ _id: person.id }, { $set: { emailVerifiedAt: new Date() } });
    return person;
  };

  it("opens an account, and finds it by issuer and subject whatever its address is later", async () => {
    const person = someone();
    const first = await signedIn(person);
    assert.deepEqual([first.user.email, first.user.emailVerified], [person.email, true]);
    assert.equal(first.user.name, "Ann Elsewhere");
    const again = await signedIn({ ...person, email: `${newId()}@example.com`, email_verified: false });
    assert.deepEqual([again.user.id, again.user.email], [first.user.id, person.email]);
    await http.as(again.accessToken).expect(200, "GET", "/users/me");
  });

  it("links an account whose address both sides have verified", async () => {
    const ann = await verified();
    const person = someone({ email: ann.email.toUpperCase() });
    assert.equal((await signedIn(person)).user.id, ann.id);
    assert.equal((await signedIn(person)).user.id, ann.id);
    assert.equal((await accounts().findById(ann.id).lean())?.identities?.length, 1);
  });

  it("takes over no account by an address that one of the sides has not verified", async () => {
    const known = await verified();
    for (const email_verified of [false, undefined]) {
      const person = someone({
        email: known.email,
        ...(email_verified === undefined ? {} : { email_verified }),
      });
      if (email_verified === undefined) delete person.email_verified;
      assert.equal(await codeOf(await signIn(person)), "EMAIL_UNVERIFIED");
    }
    const squatter = await signUp(http);
    assert.equal(await codeOf(await signIn(someone({ email: squatter.email }))), "EMAIL_UNVERIFIED");
    const { email: _, ...nameless } = someone();
    assert.equal(await codeOf(await signIn(nameless)), "EMAIL_UNVERIFIED");
    for (const { id } of [known, squatter])
      assert.equal((await accounts().findById(id).lean())?.identities, undefined);
  });

  it("lets nobody into a blocked account, and asks for the second factor of one that has it", async () => {
    const person = someone();
    const { user } = await signedIn(person);
    const totp = { secret: newTotpSecret(), lastStep: 0, recovery: [] };
    await accounts().updateOne({ _id: user.id }, { $set: { totp } });
    assert.equal(await codeOf(await signIn(person)), "MFA_REQUIRED");
    await accounts().updateOne({ _id: user.id }, { $set: { blocked: true } });
    assert.equal(await codeOf(await signIn(person)), "ACCOUNT_BLOCKED");
  });

  it("makes one account of two sign-ins at once", async () => {
    const person = someone();
    const ids = await Promise.all([signedIn(person), signedIn(person)]);
    assert.equal(new Set(ids.map((it) => it.user.id)).size, 1);
  });

  it("ends only in the browser where it began, for the provider where it began, and in time", async () => {
    const { browser, callback } = await toCallback(someone());
    const refused = async (from: Browser, url: URL) => codeOf(await from.get(url));
    assert.equal(await refused(new Browser(), callback), "SIGN_IN_REFUSED", "another browser");
    const { browser: victim } = await toCallback(someone());
    assert.equal(await refused(victim, callback), "SIGN_IN_REFUSED", "a sign-in of its own");
    const altered = (change: (url: URL) => void) => {
      const url = new URL(callback);
      change(url);
      return url;
    };
    for (const url of [
      altered((it) => it.searchParams.delete("state")),
      altered((it) => it.searchParams.set("state", "x")),
      altered((it) => it.searchParams.set("iss", lying.issuer)),
      altered((it) => it.searchParams.delete("iss")),
      altered((it) => it.searchParams.delete("code")),
      altered((it) => {
        it.pathname = it.pathname.replace("keycloak", "other");
      }),
    ])
      assert.equal(await refused(browser, url), "SIGN_IN_REFUSED", url.href);
    clock.advance(SIGN_IN_WITHIN_MS + 1);
    assert.equal(await refused(browser, callback), "SIGN_IN_REFUSED", "too late");
  });

  it("takes the provider's code once, and its own code once, with the verifier alone", async () => {
    const { verifier, challenge } = newPair();
    const { browser, callback } = await toCallback(someone(), undefined, challenge);
    const before = new Map(browser.cookies);
    const reply = await browser.get(callback);
    const code = new URL(reply.headers.get("location") ?? "").searchParams.get("code") ?? "";
    assert.ok(!browser.cookies.has("souk-sign-in"), "the cookie is gone");
    for (const [name, value] of before) browser.cookies.set(name, value);
    assert.equal(await codeOf(await browser.get(callback)), "SIGN_IN_REFUSED");
    assert.equal(await codeOf(await exchange(code, newPair().verifier)), "INVALID_TOKEN");
    assert.equal((await exchange(code, verifier)).status, 200);
    assert.equal(await codeOf(await exchange(code, verifier)), "INVALID_TOKEN");
  });

  it("keeps its cookie from scripts and other sites, and is led nowhere by what a request says", async () => {
    const reply = await fetch(beginUrl(newPair().challenge), {
      redirect: "manual",
      headers: { "x-forwarded-host": "evil.example", "x-forwarded-proto": "https" },
    });
    assert.equal(reply.status, 302);
    const [cookie = ""] = reply.headers.getSetCookie();
    assert.match(cookie, /^souk-sign-in=[\w.-]+; Path=\/; Max-Age=600; HttpOnly; SameSite=Lax$/);
    const url = new URL(reply.headers.get("location") ?? "");
    assert.equal(url.origin, real.issuer);
    assert.equal(url.searchParams.get("redirect_uri"), `${api()}/auth/oidc/keycloak/callback`);
    assert.equal(url.searchParams.get("code_challenge_method"), "S256");
    for (const name of ["state", "nonce", "code_challenge"]) assert.ok(url.searchParams.get(name));
    const led = await fetch(`${beginUrl(newPair().challenge)}&returnTo=https://evil.example`);
    assert.equal(led.status, 422);
    assert.equal((await fetch(beginUrl(newPair().challenge, "google"))).status, 403);
    assert.equal((await fetch(`${api()}/auth/oidc/keycloak`)).status, 422, "without a challenge");
  });

  it("shows people a page when it fails, and says no more than that", async () => {
    const reply = await fetch(
      `${api()}/auth/oidc/keycloak/callback?error=access_denied&error_description=no`,
      {
        headers: { accept: "text/html" },
      },
    );
    assert.equal(reply.status, 403);
    assert.match(reply.headers.get("content-type") ?? "", /^text\/html/);
  });

  it("believes no ID token that is unsigned, of another key, issuer, audience, sign-in or time", async () => {
    const attempt = async (lie: LyingProvider["lie"]) => {
      const browser = new Browser();
      const { challenge } = newPair();
      const reply = await browser.get(beginUrl(challenge, "other"));
      const asked = new URL(reply.headers.get("location") ?? "").searchParams;
      Object.assign(lying, { lie, nonce: asked.get("nonce") });
      const state = asked.get("state");
      const back = await browser.get(`${api()}/auth/oidc/other/callback?code=x&state=${state}`);
      return back.status === 302 ? "in" : codeOf(back);
    };
    assert.equal(await attempt("none"), "in", "what it makes is right otherwise");
    for (const lie of ["unsigned", "key", "nonce", "issuer", "audience", "expired"] as const)
      assert.equal(await attempt(lie), "SIGN_IN_REFUSED", lie);
  });

  it("leaves the password as another way in, once a mail has set one", async () => {
    const { user } = await signedIn(someone());
    const body = { email: user.email, password: PASSWORD };
    await http.expect(401, "POST", "/auth/login", { body });
    await http.expect(202, "POST", "/auth/password/forgot", { body: { email: user.email } });
    const [request] = (await accounts().findById(user.id).lean())?.mail?.reset ?? [];
    const params = { userId: user.id, requestId: request?.id, purpose: "reset" };
    const { token } = await shop.node.broker.call<{ token: string }, object>("users.issueMailToken", params);
    await http.expect(204, "POST", "/auth/password/reset", { body: { token, password: PASSWORD } });
    await http.expect(200, "POST", "/auth/login", { body });
  });
});
