/** The customer's e-mail address, for a provider that mails to it or fills it in. */
import { z } from "zod";
import { canonicalEmail } from "../../../../broker/contract/values/email.ts";

/** A variable that says whether a provider gets it. It is off unless set, because it goes to somebody else. */
export const sendEmail = (what: string) =>
  z.enum(["on", "off"]).optional().describe(`${what}; off unless set, then it gets no address`);

/**
 * The address as a provider takes it: in ASCII, an international domain as well.
 * @returns undefined where it is not to be sent, or no provider could read it
 */
export function emailFor(setting: "on" | "off" | undefined, email: string | null): string | undefined {
  if (setting !== "on" || email === null) return undefined;
  const address = canonicalEmail(email);
  return address !== undefined && /^[\x21-\x7e]+$/.test(address) ? address : undefined;
}
