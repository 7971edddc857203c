/**
 * Checks a code of an account's second factor. Each code counts once: the account remembers the step of the last one, and
 * drops a recovery code with its use. Wrong ones are counted per account, whoever tries.
 */
import { type Model, trusted } from "mongoose";
import { SoukError } from "../../../broker/contract/errors.ts";
import type { Clock } from "../../../broker/resilience/clock.ts";
import type { LoginLimits } from "../credentials/login-limits.ts";
import type { Seal } from "../credentials/seal.ts";
import type { Account } from "../models/account.model.ts";
import { hashRecoveryCode, stepOf } from "./totp.ts";

export interface CodeTools {
  accounts: Model<Account>;
  clock: Clock;
  seal: Seal;
  guesses: LoginLimits;
}

const SIX_DIGITS = /^\d{6}$/;

/**
 * @param known the caller's address, where the owner has signed in with both factors before
 * @throws {SoukError} INVALID_CODE, RATE_LIMITED
 */
export async function checkCode(
  tools: CodeTools,
  account: Account,
  code: string,
  known?: string,
): Promise<void> {
  await tools.guesses.attempt({ account: `second factor ${account._id}`, known }, async () => {
    const used = SIX_DIGITS.test(code)
      ? await useCode(tools, account, code)
      : await useRecoveryCode(tools, account, code);
    if (!used) throw new SoukError("INVALID_CODE");
  });
}

async function useCode({ accounts, clock, seal }: CodeTools, { _id, totp }: Account, code: string) {
  const secret = totp && (await seal.open(totp.secret, _id));
  if (!secret) return false;
  const step = stepOf(secret, code, clock.now());
  if (step === undefined) return false;
  const { matchedCount } = await accounts.updateOne(
    { _id, "totp.secret": totp.secret, "totp.lastStep": trusted({ $lt: step }) },
    { $set: { "totp.lastStep": step } },
  );
  return matchedCount === 1;
}

async function useRecoveryCode({ accounts }: CodeTools, { _id }: Account, code: string) {
  const hashed = hashRecoveryCode(code);
  const { matchedCount } = await accounts.updateOne(
    { _id, "totp.recovery": hashed },
    { $pull: { "totp.recovery": hashed } },
  );
  return matchedCount === 1;
}
