/**
 * Signing in, after the first factor: with a ticket for the second one where the account has it. An address counts as known,
 * and a guest's cart is merged, only when nothing is missing.
 */
import type { Model } from "mongoose";
import type { CallMeta } from "../../../broker/contract/call-meta.ts";
import { SoukError } from "../../../broker/contract/errors.ts";
import type { TypedCall } from "../../../broker/moleculer/handlers.ts";
import type { Log } from "../../../broker/resilience/log.ts";
import { mergeCart } from "../accounts/merge-cart.ts";
import { knownAddress, rememberAddress } from "../credentials/known-addresses.ts";
import type { Account } from "../models/account.model.ts";
import { type CodeTools, checkCode } from "../second-factor/check-code.ts";
import type { Sessions, Tokens } from "../sessions/sessions.ts";
import type { Tickets } from "../sessions/sign-in-tickets.ts";

export interface SignInTools extends CodeTools {
  accounts: Model<Account>;
  sessions: Sessions;
  tickets: Tickets;
  log: Log;
}

interface SignInContext {
  meta: CallMeta;
  call: TypedCall;
}

/** @throws {SoukError} MFA_REQUIRED with a ticket, where the account has a second factor */
export async function firstFactorShown(
  tools: SignInTools,
  ctx: SignInContext,
  account: Account,
): Promise<Tokens> {
  if (account.totp)
    throw new SoukError("MFA_REQUIRED", undefined, {
      members: { ticket: await tools.tickets.issue("second_factor", account) },
    });
  return complete(tools, ctx, account);
}

/** @throws {SoukError} INVALID_TOKEN for a ticket that is not good, or that has seen five wrong codes; INVALID_CODE; RATE_LIMITED */
export async function secondFactorShown(
  tools: SignInTools,
  ctx: SignInContext,
  { ticket, code }: { ticket: string; code: string },
): Promise<Tokens> {
  const account = await tools.tickets.look("second_factor", ticket);
  await checkCode(tools, account, code, knownAddress(account, ctx.meta.clientIp));
  return complete(tools, ctx, await tools.tickets.redeem("second_factor", ticket));
}

async function complete(
  { accounts, sessions, log }: SignInTools,
  ctx: SignInContext,
  account: Account,
): Promise<Tokens> {
  await rememberAddress(accounts, account, ctx.meta.clientIp);
  await mergeCart(ctx, account._id, log);
  return sessions.start(account, ctx.meta);
}
