/**
 * A second factor is switched on in two steps: the secret is shown, and a code proves that an app has it. Both need a
 * signed-in user, the first one the password too. All other sessions end, because they were opened without it.
 */
import { type Model, trusted } from "mongoose";
import { SoukError } from "../../../broker/contract/errors.ts";
import type { Clock } from "../../../broker/resilience/clock.ts";
import { type CredentialTools, confirmPassword, type SignedIn } from "../accounts/change-credentials.ts";
import { requireAccount } from "../accounts/update-account.ts";
import type { Seal } from "../credentials/seal.ts";
import { type Account, shownEmail } from "../models/account.model.ts";
import { checkCode } from "./check-code.ts";
import { hashRecoveryCode, newRecoveryCodes, newTotpSecret, stepOf, totpUri } from "./totp.ts";

/** From the secret to the first code. */
export const ENROL_WITHIN_MS = 10 * 60_000;

export interface SecondFactorTools extends CredentialTools {
  accounts: Model<Account>;
  clock: Clock;
  seal: Seal;
  config: { SELLER_NAME: string };
}

/** @throws {SoukError} WRONG_PASSWORD, RATE_LIMITED; CONFLICT when there is a second factor */
export async function beginEnrolment(
  tools: SecondFactorTools,
  caller: SignedIn,
  currentPassword: string,
): Promise<{ secret: string; uri: string }> {
  const { accounts, clock, seal, config } = tools;
  const account = await confirmPassword(tools, caller, currentPassword);
  const secret = newTotpSecret();
  const totpPending = {
    secret: await seal.seal(secret, account._id),
    expiresAt: new Date(clock.now() + ENROL_WITHIN_MS),
  };
  const { matchedCount } = await accounts.updateOne(
    { _id: account._id, totp: trusted({ $exists: false }) },
    { $set: { totpPending } },
  );
  if (matchedCount === 0) throw alreadyOn();
  return { secret, uri: totpUri(secret, shownEmail(account), config.SELLER_NAME) };
}

/**
 * @returns the recovery codes, which are shown this once
 * @throws {SoukError} INVALID_CODE, RATE_LIMITED; CONFLICT when nothing was begun, or it took too long
 */
export async function confirmEnrolment(
  { accounts, clock, seal, guesses, sessions }: SecondFactorTools,
  { id, session }: SignedIn,
  code: string,
): Promise<string[]> {
  const account = await requireAccount(accounts, id);
  const { totpPending, credentialVersion } = account;
  if (account.totp) throw alreadyOn();
  const secret = totpPending && (await seal.open(totpPending.secret, id));
  if (!secret || totpPending.expiresAt.getTime() <= clock.now())
    throw new SoukError("CONFLICT", "Ask for a new secret first.");
  const step = await guesses.attempt({ account: `enrol ${id}` }, async () => {
    const found = stepOf(secret, code, clock.now());
    if (found === undefined) throw new SoukError("INVALID_CODE");
    return found;
  });
  const codes = newRecoveryCodes();
  const totp = { secret: totpPending.secret, lastStep: step, recovery: codes.map(hashRecoveryCode) };
  const { matchedCount } = await accounts.updateOne(
    { _id: id, credentialVersion, "totpPending.secret": totpPending.secret },
    {
      $set: { totp, ...(session === undefined ? {} : { keptSession: session }) },
      $unset: { totpPending: 1, ...(session === undefined ? { keptSession: 1 } : {}) },
      $inc: { credentialVersion: 1 },
    },
  );
  if (matchedCount === 0)
    throw new SoukError("CONFLICT", "The account was changed by another request meanwhile.");
  await sessions.endOthers(id, session);
  return codes;
}

/** @throws {SoukError} WRONG_PASSWORD, INVALID_CODE, RATE_LIMITED; CONFLICT when there is no second factor */
export async function disableSecondFactor(
  tools: SecondFactorTools,
  caller: SignedIn,
  { currentPassword, code }: { currentPassword: string; code: string },
): Promise<void> {
  const account = await confirmPassword(tools, caller, currentPassword);
  if (!account.totp) throw new SoukError("CONFLICT", "There is no second factor.");
  await checkCode(tools, account, code);
  const { _id, totp } = account;
  await tools.accounts.updateOne({ _id, "totp.secret": totp.secret }, { $unset: { totp: 1 } });
  // Staff may have lost rights by this.
  tools.sessions.changed(_id);
}

const alreadyOn = () => new SoukError("CONFLICT", "There is a second factor. Disable it first.");
