/** The owner of an account shows that its e-mail address is theirs, by the token of a mail. */
import type { Model } from "mongoose";
import { SoukError } from "../../../broker/contract/errors.ts";
import { emailKey } from "../../../broker/contract/values/email.ts";
import type { Outbox } from "../../../broker/mongo/document-outbox.ts";
import type { Clock } from "../../../broker/resilience/clock.ts";
import {
  hasMailToken,
  mailOf,
  mailRequest,
  notAskedLately,
  pushRequest,
  sameAnswer,
} from "../credentials/mail-tokens.ts";
import type { Account } from "../models/account.model.ts";

export interface VerifyTools {
  accounts: Model<Account>;
  outbox: Outbox;
  clock: Clock;
}

/** @throws {SoukError} INVALID_TOKEN for a token that is unknown, used or expired */
export async function verifyEmail({ accounts, clock }: VerifyTools, token: string): Promise<void> {
  const { matchedCount } = await accounts.updateOne(hasMailToken("verify", token, clock), {
    $set: { emailVerifiedAt: new Date(clock.now()) },
    $unset: { "mail.verify": 1 },
  });
  if (matchedCount === 0) throw new SoukError("INVALID_TOKEN");
}

/** Resolves in the same way for addresses that are known, unknown, or verified already. */
export const requestVerification = (tools: VerifyTools, email: string, traceparent?: string): Promise<void> =>
  sameAnswer(prepareVerification(tools, email, traceparent));

async function prepareVerification(
  { accounts, outbox, clock }: VerifyTools,
  typed: string,
  traceparent?: string,
): Promise<void> {
  const email = emailKey(typed);
  const account = await accounts.findOne({ email }).lean<Account>();
  if (!account || account.emailVerifiedAt || account.blocked) return;
  const request = mailRequest("verify", clock);
  const requested = outbox.entry(
    "user.email_verification_requested",
    account._id,
    mailOf(account, request),
    traceparent ? { traceparent } : {},
  );
  const { matchedCount } = await accounts.updateOne(
    { _id: account._id, email, ...notAskedLately("verify", clock) },
    { $push: { outbox: requested, ...pushRequest("verify", request) } },
  );
  if (matchedCount === 1) outbox.relay(account._id, [requested]);
}
