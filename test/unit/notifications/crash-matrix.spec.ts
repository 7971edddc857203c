/** Whatever dies, wherever, with messages that come twice and in other orders: everybody is told, under one id each. */
import assert from "node:assert/strict";
import { SMTPServer } from "smtp-server";
import { joinVariables } from "../../../broker/contract/variables.ts";
import core from "../../../services/index.ts";
import type { NotificationState } from "../../../services/notifications/notification/state.ts";
import { notificationsConfig } from "../../../services/notifications/notifications.config.ts";
import { notifications } from "../../../services/notifications/notifications.contract.ts";
import { paymentsConfig } from "../../../services/payments/payments.config.ts";
import { crashMatrix } from "../../../souk/testing/matrix/crash-matrix.ts";

const id = (n: number) => `019b76da-a800-7000-8000-${String(n).padStart(12, "0")}`;
const ann = { userId: id(1), email: "ann@example.com", name: "Ann" };
const bob = { userId: id(2), email: "bob@example.com", name: "Bob" };
/** Those of Ann. */
const MAILS = 3;

/** With the shop's own variables, which payments declares. */
const config = joinVariables([notificationsConfig, paymentsConfig]);
const shop = {
  ...core,
  contracts: [{ ...notifications, config }],
  services: { notifications: core.services.notifications ?? assert.fail() },
};

/** A mail server that drops repeats. */
async function mailServer() {
  const received = new Set<string>();
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ["STARTTLS"],
    logger: false,
    closeTimeout: 10,
    onRcptTo({ address }, _, done) {
      if (address.startsWith("nobody"))
        return done(Object.assign(new Error("nobody"), { responseCode: 550 }));
      done();
    },
    onData(stream, _, done) {
      let text = "";
      stream.on("data", (it: Buffer) => {
        text += it.toString();
      });
      stream.on("end", () => {
        received.add(/^Message-ID: (\S+)/m.exec(text)?.[1] ?? "");
        done();
      });
    },
  });
  server.on("error", () => undefined);
  const port = await new Promise<number>((resolve) => {
    const listening = server.listen(0, "127.0.0.1", () => {
      const address = listening.address();
      resolve(typeof address === "object" && address ? address.port : 0);
    });
  });
  return {
    received,
    environment: {
      MAIL_URL: `smtp://127.0.0.1:${port}`,
      MAIL_FROM: "Souk <shop@shop.example>",
    },
    close: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}

describe("notifications, killed anywhere", function () {
  this.timeout(60_000);
  crashMatrix({
    shop,
    world: mailServer,
    async play(run) {
      run.points.armed = true;
      run.send("user.registered", ann.userId, ann);
      run.send("user.registered", bob.userId, bob);
      run.send("user.email_changed", ann.userId, { ...ann, previousEmail: "nobody@example.com" });
      await run.rest();
      run.messages.releaseCopies();
      await run.rest();
      assert.equal(run.world.received.size, MAILS);
      run.send("user.erased", bob.userId, { userId: bob.userId });
      await run.rest();
      return undefined;
    },
    check(state) {
      const found = state["notifications.notifications"] as { state: NotificationState }[];
      assert.deepEqual(found.map((it) => `${it.state.kind} ${it.state.status}`).sort(), [
        "email_changed failed",
        "email_changed sent",
        "welcome sent",
      ]);
      assert.equal(found.length, MAILS);
    },
    texts: [
      [/127\.0\.0\.1:\d+/g, "the mail server"],
      [/[A-Za-z0-9_-]{43}/g, "the key of links"],
    ],
  });
});
