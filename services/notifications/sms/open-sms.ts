/** The adapter for SMS that this shop uses, by its variables. */
import type { Config } from "../../../broker/moleculer/config.ts";
import { refused } from "../../../broker/resilience/refusals.ts";
import type { SmsPort } from "./sms.ts";
import { twilio } from "./twilio.ts";

type Settings = Pick<Config, "NODE_ENV" | "SMS_URL" | "SMS_ACCOUNT" | "SMS_TOKEN" | "SMS_FROM">;

/**
 * @returns null where the shop sends none
 * @throws {ConfigError} that names the variable
 */
export function openSms({ NODE_ENV, SMS_URL, SMS_ACCOUNT, SMS_TOKEN, SMS_FROM }: Settings): SmsPort | null {
  if (SMS_URL === undefined) return null;
  if (NODE_ENV === "production" && !SMS_URL.startsWith("https://"))
    throw refused("SMS_URL", "must start with https:// in production");
  if (SMS_ACCOUNT === undefined) throw refused("SMS_ACCOUNT", "must be set with SMS_URL");
  if (SMS_TOKEN === undefined) throw refused("SMS_TOKEN", "must be set with SMS_URL");
  if (SMS_FROM === undefined) throw refused("SMS_FROM", "must be set with SMS_URL");
  return twilio({ url: SMS_URL, account: SMS_ACCOUNT, token: SMS_TOKEN, from: SMS_FROM });
}
