/** What clients see of an account: a fixed list of fields, so that new ones stay internal. */
import type { z } from "zod";
import { type Account, shownEmail } from "./models/account.model.ts";
import type { Session } from "./models/session.model.ts";
import { lastUse } from "./models/session.model.ts";
import { rightsWait, type StaffMfa, withHeldRoles } from "./roles/staff-rights.ts";
import type { savedAddress, sessionView, userView } from "./users.contract.ts";

/** @param staffMfa whether rights of staff wait for a second factor */
export const userViewOf = (account: Account, staffMfa: StaffMfa): z.input<typeof userView> => ({
  id: account._id,
  email: shownEmail(account),
  emailVerified: account.emailVerifiedAt !== undefined,
  name: account.name,
  roles: [...withHeldRoles(account, staffMfa).roles],
  secondFactor: rightsWait(account, staffMfa) ? "required" : account.totp ? "on" : "off",
  ...(account.ext && { ext: account.ext }),
});

/** Whom an event is about, as mails name them. */
export const contactOf = (account: Account) => ({
  userId: account._id,
  email: shownEmail(account),
  name: account.name,
});

/** @param current the session of the request */
export function sessionViewOf(session: Session, current: string | undefined): z.input<typeof sessionView> {
  const { _id, createdAt, userAgent, ip } = session;
  return {
    id: _id,
    createdAt: createdAt.toISOString(),
    lastUsedAt: lastUse(session).toISOString(),
    ...(userAgent === undefined ? {} : { userAgent }),
    ...(ip === undefined ? {} : { ip }),
    current: _id === current,
  };
}

/** Optional lines that were never given are left out. */
export function addressViewOf(saved: Account["addresses"][number]): z.input<typeof savedAddress> {
  const { id, name, line1, line2, city, region, postalCode, country, phone, phoneE164 } = saved;
  return {
    id,
    name,
    line1,
    city,
    country,
    ...(line2 ? { line2 } : {}),
    ...(region ? { region } : {}),
    ...(postalCode ? { postalCode } : {}),
    ...(phone ? { phone } : {}),
    ...(phoneE164 ? { phoneE164 } : {}),
  };
}
