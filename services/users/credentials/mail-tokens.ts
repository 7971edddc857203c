/**
 * What a mail to the owner of an account asks for: a new password, a confirmed address. The event of a request has the
 * request's id and no secret, because any service may receive events. The mailing service gets the token by a call. The
 * account stores hashes only. A request is written in the update that sends its event, and is used up in the update that
 * does what it is for.
 */
import { randomBytes } from "node:crypto";
import { type Model, trusted } from "mongoose";
import { SoukError } from "../../../broker/contract/errors.ts";
import { newId } from "../../../broker/contract/ids.ts";
import type { Clock } from "../../../broker/resilience/clock.ts";
import type { Account, MailRequest } from "../models/account.model.ts";
import { hashToken } from "../sessions/refresh-token.ts";
import type { MailPurpose } from "../users.contract.ts";
import { contactOf } from "../views.ts";

const HOUR_MS = 3_600_000;
export const MAIL_TTL_MS: Readonly<Record<MailPurpose, number>> = {
  reset: HOUR_MS / 2,
  verify: 72 * HOUR_MS,
  change_email: 24 * HOUR_MS,
  invitation: 7 * 24 * HOUR_MS,
};
/** An account gets at most one mail of a kind in this time. */
export const MAIL_INTERVAL_MS = 60_000;
/** So many of the newest requests of a kind are good, so that asking again does not spoil a mail that is on its way. */
const MAX_REQUESTS = 3;
/** Tokens of one request: that of a mail, and of its repetitions after a crash. */
const MAX_TOKENS = 3;

export function mailRequest(purpose: MailPurpose, clock: Clock): MailRequest {
  const at = clock.now();
  return { id: newId(), at: new Date(at), expiresAt: new Date(at + MAIL_TTL_MS[purpose]), tokens: [] };
}

/** The part of an update that adds a request. */
export const pushRequest = (purpose: MailPurpose, request: MailRequest) => ({
  [`mail.${purpose}`]: { $each: [request], $slice: -MAX_REQUESTS },
});

/** The part of an update with new credentials: what was asked for with the former ones is void. */
export const SPOILT_REQUESTS = { "mail.reset": 1, "mail.change_email": 1, emailChange: 1 } as const;

/** What the event of a request tells. */
export const mailOf = (account: Account, { id, expiresAt }: MailRequest) => ({
  ...contactOf(account),
  requestId: id,
  expiresAt: expiresAt.toISOString(),
});

/** The answer takes at least this time, so that it does not reveal whether the account exists. */
const ANSWER_AFTER_MS = 250;

/** Resolves after the work, and not sooner than for an address that nobody has. */
export async function sameAnswer(work: Promise<void>): Promise<void> {
  await Promise.all([new Promise((resolve) => setTimeout(resolve, ANSWER_AFTER_MS)), work]);
}

/** Finds accounts that have had no request of the kind for a while. */
export const notAskedLately = (purpose: MailPurpose, clock: Clock) => ({
  [`mail.${purpose}`]: trusted({
    $not: { $elemMatch: { at: { $gt: new Date(clock.now() - MAIL_INTERVAL_MS) } } },
  }),
});

/** Finds the account for which the token is good. */
export const hasMailToken = (purpose: MailPurpose, token: string, clock: Clock) => {
  const hashed = hashToken(token);
  return {
    [`mail.${purpose}`]: trusted({
      $elemMatch: { tokens: hashed, expiresAt: { $gt: new Date(clock.now()) } },
    }),
    // For the index: $elemMatch on the array as a whole does not use it.
    [`mail.${purpose}.tokens`]: hashed,
  };
};

/**
 * A token for the mail of a request. Two calls for one request give two tokens, both good: a mail that is sent again after
 * a crash works like the first. Using one uses up the request.
 * @throws {SoukError} NOT_FOUND for a request that is unknown, too old, used, or replaced
 */
export async function issueMailToken(
  { accounts, clock }: { accounts: Model<Account>; clock: Clock },
  { userId, requestId, purpose }: { userId: string; requestId: string; purpose: MailPurpose },
): Promise<string> {
  const token = randomBytes(32).toString("base64url");
  const { matchedCount } = await accounts.updateOne(
    {
      _id: userId,
      [`mail.${purpose}`]: trusted({
        $elemMatch: { id: requestId, expiresAt: { $gt: new Date(clock.now()) } },
      }),
    },
    { $push: { [`mail.${purpose}.$.tokens`]: { $each: [hashToken(token)], $slice: -MAX_TOKENS } } },
  );
  if (matchedCount === 0) throw new SoukError("NOT_FOUND", "No such mail is wanted.");
  return token;
}
