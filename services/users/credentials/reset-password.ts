/**
 * Password resets. Request and reset are one update each. So a token works once, and a new password invalidates all
 * resets and sessions in the same write.
 */
import type { Model } from "mongoose";
import { SoukError } from "../../../broker/contract/errors.ts";
import { emailKey } from "../../../broker/contract/values/email.ts";
import type { Outbox } from "../../../broker/mongo/document-outbox.ts";
import type { Clock } from "../../../broker/resilience/clock.ts";
import { type Account, shownEmail } from "../models/account.model.ts";
import type { Sessions } from "../sessions/sessions.ts";
import { contactOf } from "../views.ts";
import type { PasswordHasher } from "./hash-password.ts";
import {
  hasMailToken,
  mailOf,
  mailRequest,
  notAskedLately,
  pushRequest,
  SPOILT_REQUESTS,
  sameAnswer,
} from "./mail-tokens.ts";
import { checkPasswordRules } from "./password-rules.ts";

export interface ResetTools {
  accounts: Model<Account>;
  hasher: PasswordHasher;
  outbox: Outbox;
  sessions: Sessions;
  clock: Clock;
  config: { SELLER_NAME: string };
}

/** Resolves in the same way for known and unknown addresses. */
export const requestPasswordReset = (tools: ResetTools, email: string, traceparent?: string): Promise<void> =>
  sameAnswer(prepareReset(tools, email, traceparent));

async function prepareReset(
  { accounts, outbox, clock }: ResetTools,
  typed: string,
  traceparent?: string,
): Promise<void> {
  const email = emailKey(typed);
  const account = await accounts.findOne({ email }).lean<Account>();
  if (!account || account.blocked || account.invited) return;
  const request = mailRequest("reset", clock);
  const requested = outbox.entry(
    "user.password_reset_requested",
    account._id,
    mailOf(account, request),
    traceparent ? { traceparent } : {},
  );
  const { matchedCount } = await accounts.updateOne(
    { _id: account._id, email, ...notAskedLately("reset", clock) },
    { $push: { outbox: requested, ...pushRequest("reset", request) } },
  );
  if (matchedCount === 1) outbox.relay(account._id, [requested]);
}

/**
 * @throws {SoukError} INVALID_TOKEN for a token that is unknown, used or expired; WEAK_PASSWORD, after which the
 * token stays valid
 */
export async function resetPassword(
  { accounts, hasher, outbox, sessions, clock, config }: ResetTools,
  token: string,
  password: string,
): Promise<void> {
  const live = () => hasMailToken("reset", token, clock);
  // An invented token costs no argon2 run.
  const owner = await accounts.findOne(live()).lean<Account>();
  if (!owner) throw new SoukError("INVALID_TOKEN");
  await checkPasswordRules(password, { ...owner, email: shownEmail(owner), shop: config.SELLER_NAME });
  const passwordHash = await hasher.hash(password);
  const changed = outbox.entry("user.password_changed", owner._id, contactOf(owner));
  const account = await accounts
    .findOneAndUpdate(live(), {
      // The mail came to this address, so its owner has shown that it is theirs.
      $set: { passwordHash, emailVerifiedAt: owner.emailVerifiedAt ?? new Date(clock.now()) },
      $unset: { keptSession: 1, ...SPOILT_REQUESTS },
      $inc: { credentialVersion: 1 },
      $push: { outbox: changed },
    })
    .lean<Account>();
  if (!account) throw new SoukError("INVALID_TOKEN");
  outbox.relay(account._id, [changed]);
  // Their credentialVersion already makes them invalid. This removes them.
  await sessions.endOthers(account._id);
}
