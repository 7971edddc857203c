/** E-mail addresses of accounts: shown to be their owner's, and changed with a yes from both. */
import assert from "node:assert/strict";
import { decodeJwt } from "jose";
import type { CallMeta } from "../../../broker/contract/call-meta.ts";
import type { Envelope } from "../../../broker/contract/envelope.ts";
import { errorCode } from "../../../broker/contract/errors.ts";
import { newId } from "../../../broker/contract/ids.ts";
import { MAIL_INTERVAL_MS, MAIL_TTL_MS } from "../../../services/users/credentials/mail-tokens.ts";
import { accountModel } from "../../../services/users/models/account.model.ts";
import type { MailPurpose } from "../../../services/users/users.contract.ts";
import users from "../../../services/users/users.service.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import { movableClock } from "../../../souk/testing/movable-clock.ts";
import { type ServicesNode, startServices } from "../../support/shop/services-node.ts";

interface Mail {
  userId: string;
  email: string;
  requestId: string;
  address?: "current" | "new";
}

const password = "correct horse battery";

const codeOf = (call: Promise<unknown>) =>
  call.then(
    () => "done",
    (error: unknown) => errorCode(error) ?? assert.fail(error as Error),
  );

describe("an account's e-mail address", () => {
  const clock = movableClock();
  const published: Envelope[] = [];
  let node: ServicesNode;

  before(async () => {
    node = await startServices([users], { clock });
    const { bus } = node.runtime;
    const publish = bus.publish.bind(bus);
    bus.publish = async (message) => {
      await publish(message);
      published.push(message);
    };
  });
  after(() => node.close());

  const accounts = () => accountModel.bind(node.runtime.database("users"));
  const open = async () => {
    const email = `${newId()}@example.com`;
    const { user, accessToken, refreshToken } = await node.call("users.register", {
      email,
      password,
      name: "Ada",
    });
    const session = String(decodeJwt(accessToken).sid);
    const meta: CallMeta = { user: { id: user.id, session, roles: ["customer"] } };
    return { id: user.id, email, session, refreshToken, meta };
  };
  const mails = (type: string, userId: string) =>
    published.filter((it) => it.type === type && it.subject === userId).map((it) => it.data as Mail);
  /** Waits for so many mails of an account and gives the token of each. */
  const tokens = async (type: string, userId: string, purpose: MailPurpose, count = 1) => {
    const found = await eventually(`${count} ${type}`, () => {
      const all = mails(type, userId);
      return all.length >= count && all;
    });
    return Promise.all(
      found.map(async ({ requestId }) => {
        const { token } = await node.call("users.issueMailToken", { userId, requestId, purpose });
        return token;
      }),
    );
  };
  const verification = (userId: string, count = 1) =>
    tokens("user.email_verification_requested", userId, "verify", count);
  const me = ({ meta }: { meta: CallMeta }) => node.call("users.me", {}, meta);
  const isLive = async (session: string) =>
    (await node.call("users.liveSessions", { ids: [session] })).length === 1;

  it("is verified by the mail's token, once, and a repeated mail's token works too", async () => {
    const mine = await open();
    const [first = ""] = await verification(mine.id);
    const [second = ""] = await verification(mine.id);
    assert.equal((await me(mine)).emailVerified, false);
    const uses = await Promise.all(
      [first, second, first].map((token) => codeOf(node.call("users.verifyEmail", { token }))),
    );
    assert.deepEqual(uses.toSorted(), ["INVALID_TOKEN", "INVALID_TOKEN", "done"]);
    assert.equal((await me(mine)).emailVerified, true);
  });

  it("is verified by no token of another kind, too old, or made up", async () => {
    const mine = await open();
    await node.call("users.forgotPassword", { email: mine.email });
    const [reset = ""] = await tokens("user.password_reset_requested", mine.id, "reset");
    const [verify = ""] = await verification(mine.id);
    const refused = (token: string) => codeOf(node.call("users.verifyEmail", { token }));
    assert.equal(await refused(reset), "INVALID_TOKEN");
    assert.equal(
      await codeOf(node.call("users.resetPassword", { token: verify, password })),
      "INVALID_TOKEN",
    );
    assert.equal(await refused("x".repeat(43)), "INVALID_TOKEN");
    clock.advance(MAIL_TTL_MS.verify + 1);
    assert.equal(await refused(verify), "INVALID_TOKEN");
  });

  it("gets another mail a minute at most, with the same answer for everybody", async () => {
    const mine = await open();
    const ask = (email: string) => node.call("users.requestVerification", { email });
    await ask(mine.email);
    assert.equal(mails("user.email_verification_requested", mine.id).length, 1);
    clock.advance(MAIL_INTERVAL_MS + 1);
    await Promise.all([ask(mine.email), ask(mine.email), ask(`${newId()}@example.com`)]);
    const [, token = ""] = await verification(mine.id, 2);
    assert.equal(mails("user.email_verification_requested", mine.id).length, 2);
    await node.call("users.verifyEmail", { token });
    clock.advance(MAIL_INTERVAL_MS + 1);
    await ask(mine.email);
    assert.equal(mails("user.email_verification_requested", mine.id).length, 2);
  });

  it("counts as verified after a reset by mail, which voids a change that was asked for", async () => {
    const mine = await open();
    const ask = { email: `${newId()}@example.com`, currentPassword: password };
    await node.call("users.requestEmailChange", ask, mine.meta);
    const change = await tokens("user.email_change_requested", mine.id, "change_email", 2);
    await node.call("users.forgotPassword", { email: mine.email });
    const [token = ""] = await tokens("user.password_reset_requested", mine.id, "reset");
    await node.call("users.resetPassword", { token, password: "another passphrase" });
    assert.equal((await me(mine)).emailVerified, true);
    for (const it of change)
      assert.equal(await codeOf(node.call("users.confirmEmailChange", { token: it })), "INVALID_TOKEN");
  });

  describe("changes", () => {
    const ask = async (mine: Awaited<ReturnType<typeof open>>, email = `${newId()}@example.com`) => {
      await node.call("users.requestEmailChange", { email, currentPassword: password }, mine.meta);
      const [current = "", next = ""] = await tokens(
        "user.email_change_requested",
        mine.id,
        "change_email",
        2,
      );
      return { email, current, next };
    };
    const confirm = (token: string) => node.call("users.confirmEmailChange", { token });

    it("when both addresses have agreed, in either order, and only the asking session goes on", async () => {
      for (const first of ["current", "next"] as const) {
        const mine = await open();
        const elsewhere = await node.call("users.login", { email: mine.email, password });
        const wanted = await ask(mine);
        const [to, too] = mails("user.email_change_requested", mine.id);
        assert.deepEqual(
          [to?.email, to?.address, too?.email, too?.address],
          [mine.email, "current", wanted.email, "new"],
        );
        assert.deepEqual(await confirm(wanted[first]), { status: "waiting" });
        assert.equal(await codeOf(confirm(wanted[first])), "INVALID_TOKEN");
        assert.equal((await me(mine)).email, mine.email);
        assert.deepEqual(await confirm(wanted[first === "current" ? "next" : "current"]), {
          status: "changed",
        });
        const after = await me(mine);
        assert.deepEqual([after.email, after.emailVerified], [wanted.email, true]);
        assert.ok(await isLive(mine.session));
        assert.equal(
          await codeOf(node.call("users.refresh", { refreshToken: elsewhere.refreshToken })),
          "INVALID_TOKEN",
        );
        await eventually("it is told", () => mails("user.email_changed", mine.id)[0]);
        await node.call("users.login", { email: wanted.email, password });
        assert.equal(
          await codeOf(node.call("users.login", { email: mine.email, password })),
          "INVALID_CREDENTIALS",
        );
      }
    });

    it("when both agree at once", async () => {
      const mine = await open();
      const wanted = await ask(mine);
      const answers = await Promise.all([confirm(wanted.current), confirm(wanted.next)]);
      assert.deepEqual(answers.map((it) => it.status).toSorted(), ["changed", "waiting"]);
      assert.equal((await me(mine)).email, wanted.email);
      assert.equal(mails("user.email_changed", mine.id).length, 1);
    });

    it("not with one address alone, however many mails it got", async () => {
      const mine = await open();
      const wanted = await ask(mine);
      const again = await tokens("user.email_change_requested", mine.id, "change_email", 2);
      assert.deepEqual(await confirm(wanted.next), { status: "waiting" });
      assert.equal(await codeOf(confirm(again[1] ?? "")), "INVALID_TOKEN");
      assert.equal((await me(mine)).email, mine.email);
    });

    it("not without the password, after a no, a new password, a day, or in favour of an older request", async () => {
      const mine = await open();
      const wrong = { email: `${newId()}@example.com`, currentPassword: "not it at all" };
      assert.equal(await codeOf(node.call("users.requestEmailChange", wrong, mine.meta)), "WRONG_PASSWORD");
      const refused = await ask(mine);
      await confirm(refused.next);
      await node.call("users.cancelEmailChange", { token: refused.current });
      assert.equal(await codeOf(confirm(refused.current)), "INVALID_TOKEN");

      const other = await open();
      const old = await ask(other);
      await confirm(old.next);
      assert.equal(await codeOf(ask(other)), "CONFLICT");
      clock.advance(MAIL_INTERVAL_MS + 1);
      const again = { email: `${newId()}@example.com`, currentPassword: password };
      await node.call("users.requestEmailChange", again, other.meta);
      assert.equal(await codeOf(confirm(old.current)), "INVALID_TOKEN");
      assert.deepEqual((await accounts().findById(other.id).lean())?.emailChange?.confirmed, []);

      const third = await open();
      const late = await ask(third);
      clock.advance(MAIL_TTL_MS.change_email + 1);
      assert.equal(await codeOf(confirm(late.current)), "INVALID_TOKEN");

      const fourth = await open();
      const spoilt = await ask(fourth);
      await node.call(
        "users.changePassword",
        { currentPassword: password, password: "another passphrase" },
        fourth.meta,
      );
      assert.equal(await codeOf(confirm(spoilt.current)), "INVALID_TOKEN");
    });

    it("to no address of another account, which nobody learns by asking", async () => {
      const [mine, other] = [await open(), await open()];
      const wanted = await ask(mine, other.email.toUpperCase());
      await confirm(wanted.current);
      assert.equal(await codeOf(confirm(wanted.next)), "EMAIL_TAKEN");
      assert.deepEqual([(await me(mine)).email, (await me(other)).email], [mine.email, other.email]);
    });
  });
});
