/**
 * Password resets. The event of a request has its id and no secret, because any service may receive events. The
 * mailing service gets the token by a call. The account stores only the token's hash. Request and reset are one
 * update each. So a token works once, and a new password invalidates all resets and sessions in the same write.
 */
import { randomBytes } from "node:crypto";
import { type Model, trusted } from "mongoose";
import { SoukError } from "../../../broker/contract/errors.ts";
import { newId } from "../../../broker/contract/ids.ts";
import { emailKey } from "../../../broker/contract/values/email.ts";
import type { Outbox } from "../../../broker/mongo/document-outbox.ts";
import type { Clock } from "../../../broker/resilience/clock.ts";
import { type Account, MAX_RESETS, shownEmail } from "../models/account.model.ts";
import { hashToken } from "../sessions/refresh-token.ts";
import type { Sessions } from "../sessions/sessions.ts";
import type { PasswordHasher } from "./hash-password.ts";
import { checkPasswordRules } from "./password-rules.ts";

export const RESET_TTL_MS = 30 * 60_000;
/** An account gets at most one mail in this time. */
const MAIL_INTERVAL_MS = 60_000;
/** The answer takes at least this time, so that it does not reveal whether the account exists. */
const ANSWER_AFTER_MS = 250;

export interface ResetTools {
  accounts: Model<Account>;
  hasher: PasswordHasher;
  outbox: Outbox;
  sessions: Sessions;
  clock: Clock;
  config: { SELLER_NAME: string };
}

/** Resolves in the same way for known and unknown addresses. */
export async function requestPasswordReset(
  tools: ResetTools,
  email: string,
  traceparent?: string,
): Promise<void> {
  const answer = new Promise((resolve) => setTimeout(resolve, ANSWER_AFTER_MS));
  await prepareReset(tools, email, traceparent);
  await answer;
}

async function prepareReset(
  { accounts, outbox, clock }: ResetTools,
  typed: string,
  traceparent?: string,
): Promise<void> {
  const email = emailKey(typed);
  const account = await accounts.findOne({ email }).lean<Account>();
  if (!account) return;
  const now = clock.now();
  const resetId = newId();
  const expiresAt = new Date(now + RESET_TTL_MS);
  const requested = outbox.entry(
    "user.password_reset_requested",
    account._id,
    {
      userId: account._id,
      email: shownEmail(account),
      name: account.name,
      resetId,
      expiresAt: expiresAt.toISOString(),
    },
    traceparent ? { traceparent } : {},
  );
  const { matchedCount } = await accounts.updateOne(
    {
      _id: account._id,
      email,
      $or: [
        { resetRequestedAt: trusted({ $exists: false }) },
        { resetRequestedAt: trusted({ $lte: new Date(now - MAIL_INTERVAL_MS) }) },
      ],
    },
    {
      $push: { outbox: requested },
      $set: { resetRequestedAt: new Date(now), resetRequest: { id: resetId, expiresAt } },
    },
  );
  if (matchedCount === 1) outbox.relay(account._id, [requested]);
}

/**
 * A token for the mail of a request. If the mail is sent twice after a crash, both tokens are valid. Using one
 * invalidates the other.
 * @throws {SoukError} NOT_FOUND for a request that is unknown, too old, used, or not the account's last
 */
export async function issueResetToken(
  { accounts, clock }: Pick<ResetTools, "accounts" | "clock">,
  userId: string,
  resetId: string,
): Promise<string> {
  const live = {
    _id: userId,
    "resetRequest.id": resetId,
    "resetRequest.expiresAt": trusted({ $gt: new Date(clock.now()) }),
  };
  const account = await accounts.findOne(live).lean<Account>();
  if (!account?.resetRequest) throw new SoukError("NOT_FOUND", "No such password reset is wanted.");
  const token = randomBytes(32).toString("base64url");
  const reset = { tokenHash: hashToken(token), expiresAt: account.resetRequest.expiresAt };
  const { matchedCount } = await accounts.updateOne(live, {
    $push: { resets: { $each: [reset], $slice: -MAX_RESETS } },
  });
  if (matchedCount === 0) throw new SoukError("NOT_FOUND", "No such password reset is wanted.");
  return token;
}

/**
 * @throws {SoukError} INVALID_TOKEN for a token that is unknown, used or expired; WEAK_PASSWORD, after which the
 * token stays valid
 */
export async function resetPassword(
  { accounts, hasher, sessions, clock, config }: ResetTools,
  token: string,
  password: string,
): Promise<void> {
  const tokenHash = hashToken(token);
  const live = () => ({
    resets: trusted({ $elemMatch: { tokenHash, expiresAt: { $gt: new Date(clock.now()) } } }),
    // For the index: $elemMatch on the array as a whole does not use it.
    "resets.tokenHash": tokenHash,
  });
  // An invented token costs no argon2 run.
  const owner = await accounts.findOne(live()).lean<Account>();
  if (!owner) throw new SoukError("INVALID_TOKEN");
  await checkPasswordRules(password, { ...owner, email: shownEmail(owner), shop: config.SELLER_NAME });
  const passwordHash = await hasher.hash(password);
  const account = await accounts
    .findOneAndUpdate(live(), {
      $set: { passwordHash, resets: [] },
      $unset: { keptSession: 1, resetRequest: 1 },
      $inc: { credentialVersion: 1 },
    })
    .lean<Account>();
  if (!account) throw new SoukError("INVALID_TOKEN");
  // Their credentialVersion already makes them invalid. This removes them.
  await sessions.endOthers(account._id);
}
