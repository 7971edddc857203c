import assert from "node:assert/strict";
import { decodeJwt } from "jose";
import type { Service } from "moleculer";
import type { CallMeta } from "../../../broker/contract/call-meta.ts";
import { errorCode } from "../../../broker/contract/errors.ts";
import {
  type BlockTools,
  blockAccount,
  unblockAccount,
} from "../../../services/users/accounts/block-account.ts";
import { FREE_ATTEMPTS } from "../../../services/users/credentials/login-limits.ts";
import { sessionModel } from "../../../services/users/models/session.model.ts";
import { MAX_SESSIONS } from "../../../services/users/sessions/sessions.ts";
import users from "../../../services/users/users.service.ts";
import { movableClock } from "../../../souk/testing/movable-clock.ts";
import { type ServicesNode, startServices } from "../../support/shop/services-node.ts";

const codeOf = (call: Promise<unknown>) =>
  call.then(
    () => "done",
    (error: unknown) => errorCode(error) ?? assert.fail(error as Error),
  );

describe("an account's password, e-mail address and sessions", () => {
  const clock = movableClock();
  let node: ServicesNode;
  let people = 0;
  before(async () => {
    node = await startServices([users], { clock });
  });
  after(() => node.close());

  const password = "correct horse battery";
  const open = async () => {
    const email = `person${++people}@example.com`;
    const tokens = await node.call("users.register", { email, password, name: "Ada" }, from("10.0.0.1"));
    return { email, id: tokens.user.id, ...signedIn(tokens) };
  };
  const from = (clientIp: string): CallMeta => ({ clientIp, userAgent: `browser of ${clientIp}` });
  const signedIn = ({ accessToken, refreshToken }: { accessToken: string; refreshToken: string }) => {
    const { sub = "", sid } = decodeJwt(accessToken);
    const session = String(sid);
    return { refreshToken, session, meta: { user: { id: sub, session, roles: ["customer"] } } as CallMeta };
  };
  const login = async (email: string, ip: string, given = password) =>
    signedIn(await node.call("users.login", { email, password: given }, from(ip)));
  const isLive = async (session: string) =>
    (await node.call("users.liveSessions", { ids: [session] })).length === 1;
  const refresh = (refreshToken: string) => node.call("users.refresh", { refreshToken });

  it("a new password needs the current one, and ends all sessions but that of the request", async () => {
    const mine = await open();
    const other = await login(mine.email, "10.0.0.2");
    const next = "a better passphrase";
    const wrong = { currentPassword: "not it at all", password: next };
    assert.equal(await codeOf(node.call("users.changePassword", wrong, mine.meta)), "WRONG_PASSWORD");
    assert.ok(await isLive(other.session));
    await node.call("users.changePassword", { currentPassword: password, password: next }, mine.meta);
    assert.equal(await isLive(other.session), false);
    assert.equal(await codeOf(refresh(other.refreshToken)), "INVALID_TOKEN");
    assert.ok(await isLive(mine.session));
    const again = await refresh(mine.refreshToken);
    assert.equal(await codeOf(login(mine.email, "10.0.0.1")), "INVALID_CREDENTIALS");
    await login(mine.email, "10.0.0.1", next);
    // Once more, in another session, which ends the first one now.
    const third = await login(mine.email, "10.0.0.3", next);
    await node.call("users.changePassword", { currentPassword: next, password }, third.meta);
    assert.equal(await codeOf(refresh(again.refreshToken)), "INVALID_TOKEN");
    assert.ok(await isLive(third.session));
  });

  it("of two changes at once one is made, and its session alone goes on", async () => {
    const mine = await open();
    const other = await login(mine.email, "10.0.0.2");
    const change = (who: CallMeta, next: string) =>
      codeOf(node.call("users.changePassword", { currentPassword: password, password: next }, who));
    const codes = await Promise.all([
      change(mine.meta, "first passphrase"),
      change(other.meta, "second one now"),
    ]);
    assert.deepEqual(codes.toSorted(), ["CONFLICT", "done"]);
    const won = codes[0] === "done";
    assert.deepEqual([await isLive(mine.session), await isLive(other.session)], [won, !won]);
  });

  it("a password that is tried first is refused wherever one is set, and the reset token stays good", async () => {
    const mine = await open();
    const common = { password: "iloveyou1" };
    const account = { email: `weak${people}@example.com`, name: "Ada", ...common };
    assert.equal(await codeOf(node.call("users.register", account)), "WEAK_PASSWORD");
    assert.equal(
      await codeOf(node.call("users.changePassword", { currentPassword: password, ...common }, mine.meta)),
      "WEAK_PASSWORD",
    );
    const named = { currentPassword: password, password: `${mine.email}!` };
    assert.equal(await codeOf(node.call("users.changePassword", named, mine.meta)), "WEAK_PASSWORD");
    assert.ok(await isLive(mine.session));
  });

  it("sessions are listed for their user with where they are, and ended one by one", async () => {
    const mine = await open();
    clock.advance(1_000);
    const phone = await login(mine.email, "10.0.0.2");
    const stranger = await open();
    const { items } = await node.call("users.listSessions", {}, mine.meta);
    assert.deepEqual(
      items.map(({ id, ip, userAgent, current }) => ({ id, ip, userAgent, current })),
      [
        { id: phone.session, ip: "10.0.0.2", userAgent: "browser of 10.0.0.2", current: false },
        { id: mine.session, ip: "10.0.0.1", userAgent: "browser of 10.0.0.1", current: true },
      ],
    );
    clock.advance(1_000);
    await node.call("users.refresh", { refreshToken: mine.refreshToken }, from("10.0.0.9"));
    const [used] = (await node.call("users.listSessions", {}, mine.meta)).items;
    assert.deepEqual([used?.id, used?.ip], [mine.session, "10.0.0.9"]);
    assert.ok(String(used?.lastUsedAt) > String(used?.createdAt));
    const end = (id: string, who: CallMeta) => codeOf(node.call("users.endSession", { id }, who));
    assert.equal(await end(phone.session, stranger.meta), "NOT_FOUND");
    assert.ok(await isLive(phone.session));
    assert.equal(await end(phone.session, mine.meta), "done");
    assert.equal(await end(phone.session, mine.meta), "NOT_FOUND");
    assert.equal(await isLive(phone.session), false);
    assert.equal(await codeOf(refresh(phone.refreshToken)), "INVALID_TOKEN");
  });

  it("sessions of one account are a hundred at most: the oldest ends", async function () {
    this.timeout(60_000);
    const mine = await open();
    const model = sessionModel.bind(node.runtime.database("users"));
    const first = await model.findById(mine.session).lean();
    const copies = Array.from({ length: MAX_SESSIONS + 5 }, (_, n) => ({
      ...first,
      _id: mine.session.replace(/.{6}$/, String(n).padStart(6, "0")).replace(/^./, "f"),
    }));
    await model.insertMany(copies);
    await login(mine.email, "10.0.0.1");
    assert.equal(await model.countDocuments({ userId: mine.id }), MAX_SESSIONS);
    assert.equal(await isLive(mine.session), false);
  });

  it("guesses from everywhere are slowed, the owner at a known address is not, and nobody learns who exists", async function () {
    this.timeout(60_000);
    const mine = await open();
    const guess = (email: string, n: number) =>
      codeOf(node.call("users.login", { email, password: "a wrong guess" }, from(`192.0.2.${n}`)));
    const [known, unknown]: string[][] = [[], []];
    for (let n = 0; n < FREE_ATTEMPTS + 5; n++) {
      known?.push(await guess(mine.email, n));
      unknown?.push(await guess("nobody-at-all@example.com", n));
    }
    assert.deepEqual(known, unknown);
    assert.equal(known?.filter((it) => it === "INVALID_CREDENTIALS").length, FREE_ATTEMPTS + 1);
    assert.equal(known?.at(-1), "RATE_LIMITED");
    await login(mine.email, "10.0.0.1");
    assert.equal(await codeOf(login(mine.email, "192.0.2.200")), "RATE_LIMITED");
    clock.advance(300_000);
    await login(mine.email, "192.0.2.200");
    await login(mine.email, "192.0.2.200");
  });

  it("guesses of the current password are bounded for each session", async () => {
    const mine = await open();
    const other = await login(mine.email, "10.0.0.2");
    const wrong = { currentPassword: "a wrong guess", password: "a better passphrase" };
    const guess = () => codeOf(node.call("users.changePassword", wrong, mine.meta));
    for (let n = 0; n <= FREE_ATTEMPTS; n++) assert.equal(await guess(), "WRONG_PASSWORD");
    assert.equal(await guess(), "RATE_LIMITED");
    const email = { email: `x${people}@example.com`, currentPassword: "a wrong guess" };
    assert.equal(await codeOf(node.call("users.requestEmailChange", email, mine.meta)), "RATE_LIMITED");
    await node.call("users.changePassword", { ...wrong, currentPassword: password }, other.meta);
  });

  it("a blocked account is let in no more, and its sessions end, until it is unblocked", async () => {
    const mine = await open();
    const { tools } = node.broker.getLocalService("users") as Service & { tools: BlockTools };
    await blockAccount(tools, mine.id);
    assert.equal(await isLive(mine.session), false);
    assert.equal(await codeOf(refresh(mine.refreshToken)), "INVALID_TOKEN");
    assert.equal(await codeOf(login(mine.email, "10.0.0.1")), "ACCOUNT_BLOCKED");
    assert.equal(await codeOf(login(mine.email, "10.0.0.1", "a wrong guess")), "INVALID_CREDENTIALS");
    await unblockAccount(tools, mine.id);
    await login(mine.email, "10.0.0.1");
    assert.equal(await codeOf(refresh(mine.refreshToken)), "INVALID_TOKEN");
  });
});
