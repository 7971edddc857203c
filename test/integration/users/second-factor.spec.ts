/** A second factor: switched on with a code, asked for at every sign-in, each code good once. */
import assert from "node:assert/strict";
import { decodeJwt } from "jose";
import type { CallMeta } from "../../../broker/contract/call-meta.ts";
import { errorCode, SoukError } from "../../../broker/contract/errors.ts";
import { newId } from "../../../broker/contract/ids.ts";
import { createSeal } from "../../../services/users/credentials/seal.ts";
import { accountModel } from "../../../services/users/models/account.model.ts";
import { sealingKeyModel } from "../../../services/users/models/sealing-key.model.ts";
import { totpCode } from "../../../services/users/second-factor/totp.ts";
import { MAX_TRIES, TICKET_TTL_MS } from "../../../services/users/sessions/sign-in-tickets.ts";
import users from "../../../services/users/users.service.ts";
import { movableClock } from "../../../souk/testing/movable-clock.ts";
import { type ServicesNode, startServices } from "../../support/shop/services-node.ts";

const password = "correct horse battery";
const STEP_MS = 30_000;

const codeOf = (call: Promise<unknown>) =>
  call.then(
    () => "done",
    (error: unknown) => errorCode(error) ?? assert.fail(error as Error),
  );

describe("a second factor", () => {
  const clock = movableClock();
  let node: ServicesNode;
  before(async () => {
    node = await startServices([users], { clock, env: { STAFF_MFA: "required" } });
  });
  after(() => node.close());

  const accounts = () => accountModel.bind(node.runtime.database("users"));
  type Answer = Awaited<ReturnType<typeof login>>;
  const metaOf = ({ accessToken }: Answer): CallMeta => {
    const { sub = "", sid, roles } = decodeJwt<{ sid: string; roles: ["customer"] }>(accessToken);
    return { user: { id: sub, session: sid, roles } };
  };
  const login = (email: string, meta?: CallMeta) => node.call("users.login", { email, password }, meta);
  const open = async () => {
    const email = `${newId()}@example.com`;
    const answer = await node.call("users.register", { email, password, name: "Ada" });
    return { id: answer.user.id, email, answer, meta: metaOf(answer) };
  };
  /** An account with a second factor, and the next code of its app. */
  const enrolled = async () => {
    const mine = await open();
    const { secret, uri } = await node.call("users.beginTotp", { currentPassword: password }, mine.meta);
    const { recoveryCodes } = await node.call("users.confirmTotp", { code: codeNow(secret) }, mine.meta);
    const nextCode = () => {
      clock.advance(STEP_MS);
      return codeNow(secret);
    };
    return { ...mine, secret, uri, recoveryCodes, nextCode };
  };
  const codeNow = (secret: string) => totpCode(secret, clock.now());
  const ticketFor = async (email: string, meta?: CallMeta): Promise<string> => {
    const refused = await login(email, meta).catch((error: unknown) => error);
    assert.ok(refused instanceof SoukError);
    assert.equal(errorCode(refused), "MFA_REQUIRED");
    return String((refused.data as { members?: { ticket?: string } }).members?.ticket);
  };
  const second = (ticket: string, code: string, meta?: CallMeta) =>
    node.call("users.loginTotp", { ticket, code }, meta);
  const wrongFor = (secret: string) => (codeNow(secret) === "000000" ? "111111" : "000000");

  it("is switched on by a code, ends other sessions, and is asked for after the password", async () => {
    const mine = await open();
    const elsewhere = await login(mine.email);
    const begin = (currentPassword: string) => node.call("users.beginTotp", { currentPassword }, mine.meta);
    assert.equal(await codeOf(begin("not it at all")), "WRONG_PASSWORD");
    const { secret, uri } = await begin(password);
    assert.match(uri, /^otpauth:\/\/totp\/.*secret=[A-Z2-7]{32}/);
    assert.equal((await login(mine.email)).user.secondFactor, "off", "until a code confirms it");
    const confirm = (code: string) => node.call("users.confirmTotp", { code }, mine.meta);
    assert.equal(await codeOf(confirm(wrongFor(secret))), "INVALID_CODE");
    const { recoveryCodes } = await confirm(codeNow(secret));
    assert.equal(new Set(recoveryCodes).size, 10);
    assert.equal(await codeOf(begin(password)), "CONFLICT");
    const refresh = ({ refreshToken }: Answer) => codeOf(node.call("users.refresh", { refreshToken }));
    assert.equal(await refresh(elsewhere), "INVALID_TOKEN");
    assert.equal(await refresh(mine.answer), "done");
    const stored = JSON.stringify(await accounts().findById(mine.id).lean());
    for (const it of [secret, ...recoveryCodes]) assert.ok(!stored.includes(it), "nothing is kept plain");
    const ticket = await ticketFor(mine.email);
    clock.advance(STEP_MS);
    assert.equal((await second(ticket, codeNow(secret))).user.secondFactor, "on");
  });

  it("takes each code and each ticket once, also when they come at once", async () => {
    const mine = await enrolled();
    const used = mine.nextCode();
    const tickets = await Promise.all([1, 2, 3].map(() => ticketFor(mine.email)));
    const codes = await Promise.all(tickets.map((it) => codeOf(second(it, used))));
    assert.deepEqual(codes.toSorted(), ["INVALID_CODE", "INVALID_CODE", "done"]);
    const spent = tickets[codes.indexOf("done")] ?? "";
    assert.equal(await codeOf(second(spent, mine.nextCode())), "INVALID_TOKEN");
    clock.advance(STEP_MS);
    const earlier = totpCode(mine.secret, clock.now() - STEP_MS);
    assert.equal(await codeOf(second(await ticketFor(mine.email), earlier)), "done", "a clock that is late");
    assert.equal(await codeOf(second(await ticketFor(mine.email), earlier)), "INVALID_CODE");
  });

  it("takes a recovery code once, however it is typed", async () => {
    const mine = await enrolled();
    const [code = "", other = ""] = mine.recoveryCodes;
    await second(await ticketFor(mine.email), code.toLowerCase().replaceAll("-", " "));
    assert.equal(await codeOf(second(await ticketFor(mine.email), code)), "INVALID_CODE");
    await second(await ticketFor(mine.email), other);
  });

  it("is guessed a few times for a ticket, and seldom for an account, with however many tickets", async () => {
    const mine = await enrolled();
    const ticket = await ticketFor(mine.email);
    for (let n = 0; n < MAX_TRIES; n++)
      assert.equal(await codeOf(second(ticket, wrongFor(mine.secret))), "INVALID_CODE");
    assert.equal(await codeOf(second(ticket, mine.nextCode())), "INVALID_TOKEN");
    const answers: string[] = [];
    for (let n = 0; n < 10; n++)
      answers.push(await codeOf(second(await ticketFor(mine.email), wrongFor(mine.secret))));
    assert.ok(answers.includes("RATE_LIMITED"));
  });

  it("does not slow down its owner at an address of before", async () => {
    const mine = await enrolled();
    const home: CallMeta = { clientIp: "192.0.2.1" };
    await second(await ticketFor(mine.email, home), mine.nextCode(), home);
    for (let n = 0; n < 12; n++)
      await codeOf(second(await ticketFor(mine.email), wrongFor(mine.secret), { clientIp: "192.0.2.66" }));
    await second(await ticketFor(mine.email, home), mine.nextCode(), home);
  });

  it("needs a ticket that is fresh, of an account whose password is still the same", async () => {
    const mine = await enrolled();
    const late = await ticketFor(mine.email);
    clock.advance(TICKET_TTL_MS + 1);
    assert.equal(await codeOf(second(late, mine.nextCode())), "INVALID_TOKEN");
    const before = await ticketFor(mine.email);
    const next = { currentPassword: password, password: "another passphrase" };
    await node.call("users.changePassword", next, mine.meta);
    assert.equal(await codeOf(second(before, mine.nextCode())), "INVALID_TOKEN");
  });

  it("is switched off with the password and a code", async () => {
    const mine = await enrolled();
    const off = (currentPassword: string, code: string) =>
      codeOf(node.call("users.disableTotp", { currentPassword, code }, mine.meta));
    assert.equal(await off("not it at all", mine.nextCode()), "WRONG_PASSWORD");
    assert.equal(await off(password, wrongFor(mine.secret)), "INVALID_CODE");
    assert.equal(await off(password, mine.nextCode()), "done");
    assert.equal(await off(password, mine.nextCode()), "CONFLICT");
    assert.equal((await login(mine.email)).user.secondFactor, "off");
  });

  it("is what staff's rights wait for, where it is required", async () => {
    const mine = await open();
    await accounts().updateOne({ _id: mine.id }, { $set: { roles: ["customer", "staff"] } });
    const answer = await login(mine.email);
    assert.deepEqual([answer.user.roles, answer.user.secondFactor], [["customer"], "required"]);
    const meta = metaOf(answer);
    assert.deepEqual(meta.user?.roles, ["customer"]);
    const live = async () =>
      (await node.call("users.liveSessions", { ids: [meta.user?.session ?? ""] }))[0]?.roles;
    assert.deepEqual(await live(), ["customer"]);
    const { secret } = await node.call("users.beginTotp", { currentPassword: password }, meta);
    await node.call("users.confirmTotp", { code: codeNow(secret) }, meta);
    assert.deepEqual(await live(), ["customer", "staff"]);
    const { user } = await node.call("users.refresh", { refreshToken: answer.refreshToken });
    assert.deepEqual([user.roles, user.secondFactor], [["customer", "staff"], "on"]);
    clock.advance(STEP_MS);
    await node.call("users.disableTotp", { currentPassword: password, code: codeNow(secret) }, meta);
    assert.deepEqual(await live(), ["customer"]);
  });

  it("has a secret that opens with the shop's key, for its account alone", async () => {
    const keys = sealingKeyModel.bind(node.runtime.database("users"));
    const [kept, configured] = [createSeal(keys, undefined), createSeal(keys, "a key from elsewhere")];
    const sealed = await kept.seal("secret", "ann");
    assert.equal(await kept.open(sealed, "ann"), "secret");
    assert.equal(await configured.open(sealed, "ann"), "secret", "sealed before there was a variable");
    assert.equal(await kept.open(sealed, "bob"), undefined);
    assert.equal(await kept.open(await configured.seal("secret", "ann"), "ann"), undefined);
    for (const it of ["", ".", "x.y", `${sealed.slice(0, -4)}AAAA`, sealed.slice(0, 20)])
      assert.equal(await kept.open(it, "ann"), undefined);
  });
});
