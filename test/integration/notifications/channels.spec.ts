/** Each adapter of the port `Channel` in the same trials, and what is particular to one. */
import assert from "node:assert/strict";
import { mailboxModel } from "../../../services/notifications/mail/mailbox/mailbox.model.ts";
import { mailbox } from "../../../services/notifications/mail/mailbox/mailbox.ts";
import { Refused } from "../../../services/notifications/sending/channel.ts";
import { emailChannel } from "../../../services/notifications/sending/email-channel.ts";
import { smsChannel } from "../../../services/notifications/sending/sms-channel.ts";
import { startTwilio } from "../../../services/notifications/sms/emulator/twilio.ts";
import { twilio } from "../../../services/notifications/sms/twilio.ts";
import { type MemoryDatabase, openMemoryDatabase } from "../../support/servers/memory-database.ts";
import { type ChannelWorld, channelConformance, letter, outgoing } from "./support/channel-conformance.ts";
import { smsWorld } from "./support/sms-world.ts";
import { smtpWorld } from "./support/smtp-world.ts";

describe("channels", () => {
  let database: MemoryDatabase;
  before(async () => {
    database = await openMemoryDatabase();
  });
  after(() => database?.close());

  channelConformance(
    "e-mail by SMTP",
    ["refuse", "later", "ours", "fail", "hang", "close", "loseAnswer"],
    smtpWorld,
  );
  channelConformance(
    "SMS",
    ["refuse", "later", "ours", "fail", "hang", "close", "loseAnswer", "flood", "away"],
    smsWorld,
  );
  channelConformance("e-mail in development", [], async (): Promise<ChannelWorld> => {
    const mails = mailboxModel.bind(database.service("notifications"));
    await mails.deleteMany({});
    return {
      channel: emailChannel({
        port: mailbox(mails),
        from: { name: "Souk", address: "shop@shop.example" },
        off: null,
        call: () => Promise.reject(new Error("nothing is attached")),
      }),
      fail: () => assert.fail("it has no faults"),
      heal: () => undefined,
      received: async () => (await mails.find().lean()).map((it) => it._id),
      secrets: [],
      close: () => undefined,
    };
  });

  describe("SMS", () => {
    it("are sent again by staff though the same text was sent before", async () => {
      const provider = await startTwilio(() => Date.now() - 10_000);
      try {
        const { url, account, token } = provider;
        const channel = smsChannel(twilio({ url, account, token, from: "Souk" }));
        await channel.send(outgoing());
        await channel.send(outgoing(1));
        assert.equal(provider.sent.length, 2);
      } finally {
        await provider.close();
      }
    });

    for (const phone of [
      "0301234567",
      "+0123456789",
      "+1 202 555 0100",
      "+12025550100\r\n",
      "+1202555010012345",
      "",
    ])
      it(`do not go to ${JSON.stringify(phone)}`, async () => {
        const channel = smsChannel({ send: () => assert.fail("it was sent") });
        assert.equal(await channel.addressOf({ userId: null, email: null, name: null, phone }), null);
      });

    for (const [what, from, final] of [
      ["a sender that is not the account's", "not a sender!", false],
      ["a text that is empty", "Souk", true],
    ] as const)
      it(`are ${final ? "given up" : "tried again"} where the provider refuses ${what}`, async () => {
        const provider = await startTwilio();
        try {
          const { url, account, token } = provider;
          const channel = smsChannel(twilio({ url, account, token, from }));
          const error: unknown = await channel
            .send(outgoing(0, { letter: letter({ short: final ? "" : "Hello" }) }))
            .catch((it: unknown) => it);
          assert.equal(error instanceof Refused, final);
          assert.ok(error instanceof Error && /^400 21(?:212|602) /.test(error.message));
        } finally {
          await provider.close();
        }
      });
  });
});
