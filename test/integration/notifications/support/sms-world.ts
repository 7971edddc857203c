/** The channel SMS on Twilio's emulator. */
import { MAX_SMS, smsChannel } from "../../../../services/notifications/sending/sms-channel.ts";
import { startTwilio } from "../../../../services/notifications/sms/emulator/twilio.ts";
import type { Sms, SmsPort } from "../../../../services/notifications/sms/sms.ts";
import { twilio } from "../../../../services/notifications/sms/twilio.ts";
import { eventually } from "../../../../souk/testing/eventually.ts";
import type { ChannelWorld, Fault } from "./channel-conformance.ts";

export async function smsWorld(): Promise<ChannelWorld> {
  const emulator = await startTwilio();
  const { url, account, token } = emulator;
  const settings = { url, account, token, from: "+12025550199", timeoutMs: 300 };
  const usual = twilio(settings);
  let port: SmsPort = usual;
  const at = {
    later: 429,
    fail: 503,
    hang: "hang",
    close: "close",
    loseAnswer: "loseAnswer",
    flood: "flood",
  } as const;
  return {
    channel: smsChannel({ send: (sms: Sms) => port.send(sms) }),
    received: () => emulator.sent.map((it) => it.sid),
    fail(fault: Fault) {
      if (fault === "refuse") emulator.stopped.add("+12025550100");
      else if (fault === "ours") port = twilio({ ...settings, token: "another-token-than-it-has" });
      else if (fault === "away") port = twilio({ ...settings, url: "http://127.0.0.1:1" });
      else emulator.fault = at[fault];
    },
    async heal() {
      // What hangs is sent. On a busy machine its request may come after the client has given it up.
      if (emulator.fault === "hang") await eventually("the request", () => emulator.sent.length > 0);
      emulator.fault = null;
      port = usual;
    },
    secrets: [
      token,
      Buffer.from(`${account}:${token}`).toString("base64"),
      "another-token-than-it-has",
      "+12025550100",
    ],
    longest: { limit: 2 * MAX_SMS, text: () => emulator.sent[0]?.body ?? "" },
    close: () => emulator.close(),
  };
}
