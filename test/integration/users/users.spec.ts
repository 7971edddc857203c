import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import type { Envelope } from "../../../broker/contract/envelope.ts";
import { errorCode } from "../../../broker/contract/errors.ts";
import { newId } from "../../../broker/contract/ids.ts";
import { createTokenVerifier } from "../../../broker/http/access/access-token.ts";
import { ORPHANED_AFTER_MS } from "../../../broker/mongo/document-outbox.ts";
import { bootstrapToken } from "../../../services/users/accounts/bootstrap-admin.ts";
import { checkCredentials } from "../../../services/users/credentials/check-credentials.ts";
import {
  createPasswordHasher,
  PARAMETERS,
  parsePhc,
} from "../../../services/users/credentials/hash-password.ts";
import { createLoginLimits, memoryCounters } from "../../../services/users/credentials/login-limits.ts";
import { MAIL_TTL_MS } from "../../../services/users/credentials/mail-tokens.ts";
import { accountModel } from "../../../services/users/models/account.model.ts";
import { sessionModel } from "../../../services/users/models/session.model.ts";
import { signingKeyModel } from "../../../services/users/models/signing-key.model.ts";
import { GRACE_MS } from "../../../services/users/sessions/sessions.ts";
import { createSigningKeys, OVERLAP_MS } from "../../../services/users/sessions/signing-keys.ts";
import users from "../../../services/users/users.service.ts";
import { anAddress } from "../../../souk/testing/address.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import { movableClock } from "../../../souk/testing/movable-clock.ts";
import { type ServicesNode, startServices } from "../../support/shop/services-node.ts";

const HOUR = 3_600_000;
const KEY_LIFETIME = 90 * 24 * HOUR;
const address = anAddress();

/** Fulfils with the registry code of the failure. */
const failure = (call: Promise<unknown>) =>
  call.then(
    () => assert.fail("it should have failed"),
    (error: unknown) => errorCode(error) ?? assert.fail(error as Error),
  );

describe("the users service", () => {
  const clock = movableClock();
  const published: Envelope[] = [];
  let node: ServicesNode;
  let failing = false;
  let people = 0;

  before(async () => {
    node = await startServices([users], { clock });
    const { bus } = node.runtime;
    const publish = bus.publish.bind(bus);
    bus.publish = async (message) => {
      if (failing) throw new Error("the bus is away");
      await publish(message);
      published.push(message);
    };
  });
  after(() => node.close());

  const accounts = () => accountModel.bind(node.runtime.database("users"));
  const sessions = () => sessionModel.bind(node.runtime.database("users"));
  const someone = () => ({ email: `person${++people}@example.com`, password: "correct horse", name: "Ada" });
  const as = (id: string) => ({ user: { id, roles: ["customer"] as const } });
  const message = (type: string, userId: string) =>
    eventually(`${type} of ${userId}`, () =>
      published.find((it) => it.type === type && it.subject === userId),
    );
  const resetOf = async (userId: string) => {
    const { data } = await message("user.password_reset_requested", userId);
    const { requestId } = data as { requestId: string };
    return { userId, requestId, purpose: "reset" as const };
  };
  const resetTokenOf = async (userId: string) =>
    (await node.call("users.issueMailToken", await resetOf(userId))).token;

  describe("opening an account", () => {
    it("signs the new customer in and keeps the password as argon2id with OWASP's parameters", async () => {
      const person = someone();
      const { user, accessToken, refreshToken, expiresIn } = await node.call("users.register", person);
      assert.deepEqual(user, {
        id: user.id,
        email: person.email,
        emailVerified: false,
        name: "Ada",
        roles: ["customer"],
        secondFactor: "off",
      });
      assert.equal(expiresIn, 900);
      const claims = await createTokenVerifier(() => node.call("users.jwks", {}), clock).verify(accessToken);
      assert.equal(claims.sub, user.id);
      assert.deepEqual(claims.roles, ["customer"]);
      const stored = await accounts().findById(user.id).lean();
      const { memory, passes, parallelism } = parsePhc(stored?.passwordHash ?? "");
      assert.deepEqual({ memory, passes, parallelism }, PARAMETERS);
      assert.ok(!JSON.stringify(await sessions().find({ userId: user.id }).lean()).includes(refreshToken));
    });

    it("lets one of several at once have an address, in whatever case it is written", async () => {
      const { email, ...rest } = someone();
      const results = await Promise.allSettled(
        [email, email.toUpperCase(), email].map((it) => node.call("users.register", { email: it, ...rest })),
      );
      const codes = results.map((it) => (it.status === "fulfilled" ? "ok" : errorCode(it.reason)));
      assert.deepEqual(codes.sort(), ["EMAIL_TAKEN", "EMAIL_TAKEN", "ok"]);
      assert.equal((await accounts().find({ email })).length, 1);
    });

    it("tells of it in a message, also when the bus was away at first", async () => {
      failing = true;
      const person = someone();
      const { user } = await node.call("users.register", person);
      assert.equal((await accounts().findById(user.id).lean())?.outbox?.length, 2);
      failing = false;
      clock.advance(ORPHANED_AFTER_MS + 1);
      const { data } = await message("user.registered", user.id);
      assert.deepEqual(data, { userId: user.id, email: person.email, name: "Ada" });
      await eventually("an empty outbox", async () => {
        return (await accounts().findById(user.id).lean())?.outbox?.length === 0;
      });
    });

    for (const extra of [
      { roles: ["admin"] },
      { firstAdmin: true },
      { id: newId() },
      { $set: { name: "x" } },
    ])
      it(`refuses ${Object.keys(extra)} in the request`, async () => {
        const person = { ...someone(), ...extra };
        assert.equal(await failure(node.call("users.register", person)), "VALIDATION_FAILED");
        assert.equal(await accounts().exists({ email: person.email }), null);
      });
  });

  describe("signing in", () => {
    it("works with the right password only, and says the same for a wrong one and an unknown address", async () => {
      const { email, password } = someone();
      await node.call("users.register", { email, password, name: "Ada" });
      assert.equal((await node.call("users.login", { email, password })).user.email, email);
      assert.equal(
        await failure(node.call("users.login", { email, password: "wrong" })),
        "INVALID_CREDENTIALS",
      );
      const nobody = { email: "nobody@example.com", password };
      assert.equal(await failure(node.call("users.login", nobody)), "INVALID_CREDENTIALS");
    });

    it("runs argon2 once for a wrong password and once for an unknown address", async () => {
      const { email, password } = someone();
      await node.call("users.register", { email, password, name: "Ada" });
      const hasher = createPasswordHasher();
      const tools = { accounts: accounts(), hasher, guesses: createLoginLimits(memoryCounters(clock)) };
      await failure(checkCredentials(tools, { email, password: "wrong" }));
      assert.equal(hasher.runs, 1);
      await failure(checkCredentials(tools, { email: "nobody@example.com", password: "wrong" }));
      assert.equal(hasher.runs, 2);
    });

    it("hashes again with the present parameters when the stored ones are weaker", async () => {
      const { email, password } = someone();
      const { user } = await node.call("users.register", { email, password, name: "Ada" });
      const weak = await createPasswordHasher({
        parameters: { memory: 1_024, passes: 1, parallelism: 1 },
      }).hash(password);
      await accounts().updateOne({ _id: user.id }, { $set: { passwordHash: weak } });
      await node.call("users.login", { email, password });
      const stored = await accounts().findById(user.id).lean();
      assert.equal(parsePhc(stored?.passwordHash ?? "").memory, PARAMETERS.memory);
      await node.call("users.login", { email, password });
    });

    it("does not wait for a cart service that is away", async () => {
      const { email, password } = someone();
      await node.call("users.register", { email, password, name: "Ada" });
      const { user } = await node.call("users.login", { email, password }, { cartId: newId() });
      assert.equal(user.email, email);
    });
  });

  describe("sessions", () => {
    const open = () => node.call("users.register", someone());
    const refresh = (refreshToken: string) => node.call("users.refresh", { refreshToken });

    it("go on with a new token each time", async () => {
      const first = await open();
      const second = await refresh(first.refreshToken);
      assert.notEqual(second.refreshToken, first.refreshToken);
      const third = await refresh(second.refreshToken);
      assert.equal(third.user.id, first.user.id);
    });

    it("give all of several refreshes at once the same successor, which works", async () => {
      const { refreshToken } = await open();
      const answers = await Promise.all(Array.from({ length: 8 }, () => refresh(refreshToken)));
      assert.equal(new Set(answers.map((it) => it.refreshToken)).size, 1);
      await refresh(answers[0]?.refreshToken ?? "");
    });

    it("give a client that lost the answer the same successor for a few seconds", async () => {
      const { refreshToken } = await open();
      const lost = await refresh(refreshToken);
      clock.advance(GRACE_MS - 1);
      assert.equal((await refresh(refreshToken)).refreshToken, lost.refreshToken);
    });

    it("end when a used-up token comes after that", async () => {
      const { refreshToken } = await open();
      const { refreshToken: next } = await refresh(refreshToken);
      clock.advance(GRACE_MS + 1);
      assert.equal(await failure(refresh(refreshToken)), "INVALID_TOKEN");
      assert.equal(await failure(refresh(next)), "INVALID_TOKEN");
    });

    it("end when a token from long before comes", async () => {
      const { refreshToken } = await open();
      let latest = refreshToken;
      for (let i = 0; i < 3; i++) latest = (await refresh(latest)).refreshToken;
      assert.equal(await failure(refresh(refreshToken)), "INVALID_TOKEN");
      assert.equal(await failure(refresh(latest)), "INVALID_TOKEN");
    });

    it("are not harmed by a made-up token with their id", async () => {
      const { refreshToken } = await open();
      const forged = Buffer.from(refreshToken, "base64url").fill(7, 16).toString("base64url");
      assert.equal(await failure(refresh(forged)), "INVALID_TOKEN");
      await refresh(refreshToken);
    });

    it("end when they are not used for half their lifetime, and after their lifetime however much they are", async () => {
      const idle = await open();
      const busy = await open();
      clock.advance(15 * 24 * HOUR - 1);
      const { refreshToken } = await refresh(busy.refreshToken);
      clock.advance(2);
      assert.equal(await failure(refresh(idle.refreshToken)), "INVALID_TOKEN");
      clock.advance(14 * 24 * HOUR);
      const last = await refresh(refreshToken);
      clock.advance(24 * HOUR);
      assert.equal(await failure(refresh(last.refreshToken)), "INVALID_TOKEN");
    });

    it("end at logout, which says nothing about a token that is none", async () => {
      const { refreshToken } = await open();
      await node.call("users.logout", { refreshToken });
      assert.equal(await failure(refresh(refreshToken)), "INVALID_TOKEN");
      await node.call("users.logout", { refreshToken });
      await node.call("users.logout", { refreshToken: "x".repeat(86) });
    });
  });

  describe("a forgotten password", () => {
    it("is replaced with the mailed token, once, which ends all sessions", async () => {
      const { email, password } = someone();
      const { user, refreshToken } = await node.call("users.register", { email, password, name: "Ada" });
      await node.call("users.forgotPassword", { email });
      const token = await resetTokenOf(user.id);
      const stored = await eventually("an empty outbox", async () => {
        const account = await accounts().findById(user.id).lean();
        return account?.outbox?.length === 0 && account;
      });
      assert.ok(!JSON.stringify(stored).includes(token), "the token is kept hashed only");
      const uses = await Promise.allSettled(
        ["new password 1", "new password 2"].map((it) =>
          node.call("users.resetPassword", { token, password: it }),
        ),
      );
      assert.deepEqual(uses.map((it) => it.status).sort(), ["fulfilled", "rejected"]);
      const chosen = uses[0]?.status === "fulfilled" ? "new password 1" : "new password 2";
      await node.call("users.login", { email, password: chosen });
      assert.equal(await failure(node.call("users.login", { email, password })), "INVALID_CREDENTIALS");
      assert.equal(await failure(node.call("users.refresh", { refreshToken })), "INVALID_TOKEN");
    });

    it("answers alike for an unknown address, and mails nobody", async () => {
      const mails = () => published.filter((it) => it.type === "user.password_reset_requested").length;
      const before = mails();
      assert.equal(await node.call("users.forgotPassword", { email: "nobody@example.com" }), undefined);
      assert.equal(mails(), before);
    });

    it("can't be replaced with a token that is too old or made up", async () => {
      const person = someone();
      const { user } = await node.call("users.register", person);
      await node.call("users.forgotPassword", { email: person.email });
      const token = await resetTokenOf(user.id);
      clock.advance(MAIL_TTL_MS.reset + 1);
      const password = "new password";
      assert.equal(await failure(node.call("users.resetPassword", { token, password })), "INVALID_TOKEN");
      const madeUp = "a".repeat(43);
      assert.equal(
        await failure(node.call("users.resetPassword", { token: madeUp, password })),
        "INVALID_TOKEN",
      );
    });

    it("sends one mail a minute at most, however often it is asked", async () => {
      const person = someone();
      const { user } = await node.call("users.register", person);
      await Promise.all(
        Array.from({ length: 5 }, () => node.call("users.forgotPassword", { email: person.email })),
      );
      await message("user.password_reset_requested", user.id);
      await eventually("an empty outbox", async () => {
        const account = await accounts().findById(user.id).lean();
        return account?.outbox?.length === 0 && account;
      });
      const mails = published.filter(
        (it) => it.type === "user.password_reset_requested" && it.subject === user.id,
      );
      assert.equal(mails.length, 1);
    });

    it("has its token in no message, and gives one only for the reset that is wanted", async () => {
      const person = someone();
      const { user } = await node.call("users.register", person);
      const { user: other } = await node.call("users.register", someone());
      await node.call("users.forgotPassword", { email: person.email });
      const reset = await resetOf(user.id);
      const [first, second] = [await resetTokenOf(user.id), await resetTokenOf(user.id)];
      assert.notEqual(first, second);
      const { data } = await message("user.password_reset_requested", user.id);
      assert.deepEqual(Object.keys(data as object).sort(), [
        "email",
        "expiresAt",
        "name",
        "requestId",
        "userId",
      ]);
      const refused = (params: Awaited<ReturnType<typeof resetOf>>) =>
        failure(node.call("users.issueMailToken", params));
      assert.equal(await refused({ ...reset, userId: other.id }), "NOT_FOUND");
      assert.equal(await refused({ ...reset, requestId: newId() }), "NOT_FOUND");
      await node.call("users.resetPassword", { token: first, password: "a new password" });
      const again = { token: second, password: "another password" };
      assert.equal(await failure(node.call("users.resetPassword", again)), "INVALID_TOKEN");
      assert.equal(await refused(reset), "NOT_FOUND");
      await node.call("users.login", { email: person.email, password: "a new password" });
    });
  });

  describe("the first admin", () => {
    it("is made once, with the token, by one of several at once", async () => {
      const token = (await bootstrapToken(node.runtime)) ?? assert.fail("there should be a token");
      const wrong = { ...someone(), token: "not the token" };
      assert.equal(await failure(node.call("users.bootstrap", wrong)), "INVALID_TOKEN");
      const results = await Promise.allSettled(
        Array.from({ length: 4 }, () => node.call("users.bootstrap", { token, ...someone() })),
      );
      const codes = results.map((it) => (it.status === "fulfilled" ? "ok" : errorCode(it.reason))).sort();
      assert.deepEqual(codes, ["BOOTSTRAP_CLOSED", "BOOTSTRAP_CLOSED", "BOOTSTRAP_CLOSED", "ok"]);
      assert.equal((await accounts().find({ roles: "admin" })).length, 1);
      assert.equal(await bootstrapToken(node.runtime), null);
      assert.equal(await failure(node.call("users.bootstrap", { token, ...someone() })), "BOOTSTRAP_CLOSED");
    });
  });

  describe("the signed-in user", () => {
    it("reads the account and changes the name, and nothing else", async () => {
      const person = someone();
      const { user } = await node.call("users.register", person);
      const meta = as(user.id);
      assert.deepEqual(await node.call("users.me", {}, meta), user);
      assert.equal((await node.call("users.updateMe", { name: "Grace" }, meta)).name, "Grace");
      for (const refused of [{ email: "new@example.com" }, { emailVerified: true }])
        assert.equal(
          await failure(node.call("users.updateMe", refused as object, meta)),
          "VALIDATION_FAILED",
        );
      const roles = { roles: ["admin"] };
      assert.equal(await failure(node.call("users.updateMe", roles as object, meta)), "VALIDATION_FAILED");
      assert.deepEqual((await node.call("users.me", {}, meta)).roles, ["customer"]);
    });

    it("needs to be one: without a caller or an account nothing is answered", async () => {
      assert.equal(await failure(node.call("users.me", {})), "UNAUTHENTICATED");
      assert.equal(await failure(node.call("users.me", {}, as(newId()))), "UNAUTHENTICATED");
      assert.equal(await failure(node.call("users.addAddress", address, as(newId()))), "UNAUTHENTICATED");
    });
  });

  describe("saved addresses", () => {
    it("are added, replaced and removed", async () => {
      const { user } = await node.call("users.register", someone());
      const meta = as(user.id);
      const saved = await node.call("users.addAddress", { ...address, phone: "+44 20 7946 0958" }, meta);
      const phone = { phone: "+44 20 7946 0958", phoneE164: "+442079460958" };
      assert.deepEqual(saved, { id: saved.id, ...address, ...phone });
      await node.call("users.replaceAddress", { id: saved.id, ...address, city: "Leeds" }, meta);
      const { items } = await node.call("users.listAddresses", {}, meta);
      assert.deepEqual(items, [{ id: saved.id, ...address, city: "Leeds" }]);
      const forCheckout = await node.call("users.address", { userId: user.id, id: saved.id });
      assert.deepEqual(forCheckout, { ...address, city: "Leeds" });
      await node.call("users.removeAddress", { id: saved.id }, meta);
      assert.deepEqual((await node.call("users.listAddresses", {}, meta)).items, []);
    });

    it("and accounts keep what a newer version has written, which this one does not say", async () => {
      const { user } = await node.call("users.register", someone());
      const meta = as(user.id);
      const saved = await node.call("users.addAddress", address, meta);
      const newer = { note: "VIP", "addresses.0.doorCode": "1234" };
      const stored = accounts().db.collection<{ _id: string; note?: string; addresses: object[] }>(
        "accounts",
      );
      await stored.updateOne({ _id: user.id }, { $set: newer });
      assert.deepEqual(await node.call("users.me", {}, meta), user);
      assert.equal((await node.call("users.updateMe", { name: "Grace" }, meta)).name, "Grace");
      await node.call("users.addAddress", { ...address, city: "Leeds" }, meta);
      assert.deepEqual(await node.call("users.address", { userId: user.id, id: saved.id }), address);
      const kept = await stored.findOne({ _id: user.id });
      assert.equal(kept?.note, "VIP");
      assert.partialDeepStrictEqual(kept?.addresses[0], { doorCode: "1234" });
    });

    it("are nobody else's", async () => {
      const { user: owner } = await node.call("users.register", someone());
      const { user: other } = await node.call("users.register", someone());
      const { id } = await node.call("users.addAddress", address, as(owner.id));
      const meta = as(other.id);
      assert.equal(await failure(node.call("users.replaceAddress", { id, ...address }, meta)), "NOT_FOUND");
      assert.equal(await failure(node.call("users.removeAddress", { id }, meta)), "NOT_FOUND");
      assert.equal(await failure(node.call("users.address", { userId: other.id, id })), "NOT_FOUND");
      assert.equal((await node.call("users.listAddresses", {}, as(owner.id))).items.length, 1);
    });

    it("are at most 50, also when many are added at once", async () => {
      const { user } = await node.call("users.register", someone());
      const adding = Array.from({ length: 55 }, () => node.call("users.addAddress", address, as(user.id)));
      const results = await Promise.allSettled(adding);
      const refused = results.flatMap((it) => (it.status === "rejected" ? [errorCode(it.reason)] : []));
      assert.deepEqual(refused, Array(5).fill("CONFLICT"));
      assert.equal((await node.call("users.listAddresses", {}, as(user.id))).items.length, 50);
    });
  });

  describe("signing keys", () => {
    const keysOn = (configured?: string, at = clock) =>
      createSigningKeys({
        model: signingKeyModel.bind(node.runtime.database(`keys${people}`)),
        clock: at,
        log: node.runtime.logger("keys"),
        configured,
        lifetime: KEY_LIFETIME,
      });
    beforeEach(() => {
      people++;
    });

    it("are agreed on by nodes that start at once", async () => {
      const nodes = [keysOn(), keysOn(), keysOn()];
      await Promise.all(nodes.map((it) => it.start()));
      const kids = await Promise.all(nodes.map(async (it) => (await it.signer()).kid));
      assert.equal(new Set(kids).size, 1);
      for (const it of nodes) it.stop();
    });

    it("are published before they sign and after they have, when one follows another", async () => {
      const at = movableClock();
      const early = keysOn(undefined, at);
      await early.start();
      early.stop();
      const { kid: first } = await early.signer();
      at.advance(KEY_LIFETIME + 1);
      const late = keysOn(undefined, at);
      await late.start();
      late.stop();
      assert.equal((await late.signer()).kid, first);
      const kids = async () => (await late.jwks()).map((it) => it.kid);
      const [, second] = await kids();
      assert.equal((await kids()).length, 2);
      at.advance(OVERLAP_MS + 1);
      assert.equal((await late.signer()).kid, second);
      assert.ok((await kids()).includes(first));
      at.advance(OVERLAP_MS);
      assert.deepEqual(await kids(), [second]);
    });

    it("come from the configuration where one is given, and show no private part", async () => {
      const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
      const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
      const keys = keysOn(pem);
      await keys.start();
      keys.stop();
      const published = await keys.jwks();
      assert.deepEqual(
        published.map((it) => it.kid),
        [(await keys.signer()).kid],
      );
      assert.ok(published.every((it) => !("d" in it)));
      const stored = await signingKeyModel
        .bind(node.runtime.database(`keys${people}`))
        .find()
        .lean();
      assert.ok(!JSON.stringify(stored).includes("PRIVATE"));
    });
  });
});
