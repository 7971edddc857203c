/** Blocks an account: it can't be signed in to, its sessions end, and what was asked for by mail is void. */
import { type Model, trusted } from "mongoose";
import { SoukError } from "../../../broker/contract/errors.ts";
import type { Outbox } from "../../../broker/mongo/document-outbox.ts";
import { SPOILT_REQUESTS } from "../credentials/mail-tokens.ts";
import type { Account } from "../models/account.model.ts";
import type { Sessions } from "../sessions/sessions.ts";
import { contactOf } from "../views.ts";

export interface BlockTools {
  accounts: Model<Account>;
  outbox: Outbox;
  sessions: Sessions;
}

/**
 * Blocking twice is blocking once. The write alone makes the sessions invalid; gateways are told to ask at once.
 * @throws {SoukError} NOT_FOUND
 */
export async function blockAccount(
  { accounts, outbox, sessions }: BlockTools,
  userId: string,
): Promise<void> {
  const account = await accounts.findById(userId).lean<Account>();
  if (!account) throw new SoukError("NOT_FOUND");
  const blocked = outbox.entry("user.blocked", userId, contactOf(account));
  const { matchedCount } = await accounts.updateOne(
    { _id: userId, blocked: trusted({ $ne: true }) },
    { $set: { blocked: true }, $unset: { ...SPOILT_REQUESTS }, $push: { outbox: blocked } },
  );
  if (matchedCount === 1) outbox.relay(userId, [blocked]);
  await sessions.endOthers(userId);
}

/** @throws {SoukError} NOT_FOUND */
export async function unblockAccount(
  { accounts }: Pick<BlockTools, "accounts">,
  userId: string,
): Promise<void> {
  const { matchedCount } = await accounts.updateOne({ _id: userId }, { $unset: { blocked: 1 } });
  if (matchedCount === 0) throw new SoukError("NOT_FOUND");
}
