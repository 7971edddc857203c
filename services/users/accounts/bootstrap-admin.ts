/**
 * The first admin. While the shop has no admin, one request with the bootstrap token may create it. The unique index on
 * `firstAdmin` lets only one of several concurrent requests succeed.
 */
import { randomBytes } from "node:crypto";
import type { Model } from "mongoose";
import type { CallMeta } from "../../../broker/contract/call-meta.ts";
import { errorCode, SoukError } from "../../../broker/contract/errors.ts";
import { sameSecret } from "../../../broker/contract/secrets/same-secret.ts";
import type { Config } from "../../../broker/moleculer/config.ts";
import type { NodeRuntime } from "../../../broker/moleculer/runtime.ts";
import { isDuplicateKey } from "../../../broker/mongo/duplicate-key.ts";
import type { Log } from "../../../broker/resilience/log.ts";
import { type Account, accountModel } from "../models/account.model.ts";
import { type BootstrapToken, bootstrapTokenModel } from "../models/bootstrap-token.model.ts";
import { type NewAccount, openAccount, type Registration } from "./register-account.ts";

const ID = "first-admin";

export interface BootstrapTools extends Registration {
  bootstrapTokens: Model<BootstrapToken>;
  config: Pick<Config, "BOOTSTRAP_TOKEN" | "NODE_ENV" | "SELLER_NAME">;
}

/** @throws {SoukError} BOOTSTRAP_CLOSED, INVALID_TOKEN or EMAIL_TAKEN */
export async function bootstrapAdmin(
  tools: BootstrapTools,
  { token, ...account }: NewAccount & { token: string },
  meta: CallMeta = {},
): Promise<Account> {
  if (await hasAdmin(tools.accounts)) throw new SoukError("BOOTSTRAP_CLOSED");
  const expected = (await currentToken(tools))?.token;
  if (expected === undefined) throw new SoukError("INVALID_TOKEN");
  if (!sameSecret(token, expected)) throw new SoukError("INVALID_TOKEN");
  const standing = { roles: ["customer", "staff", "admin"] as Account["roles"], firstAdmin: true as const };
  const admin = await openAccount(tools, account, standing, meta).catch(async (error) => {
    // Of two requests with the same address, the loser may fail on the address first.
    if (errorCode(error) === "EMAIL_TAKEN" && (await hasAdmin(tools.accounts)))
      throw new SoukError("BOOTSTRAP_CLOSED");
    throw error;
  });
  await tools.bootstrapTokens.deleteOne({ _id: ID });
  return admin;
}

/**
 * The token that creates the first admin: BOOTSTRAP_TOKEN, else a generated one that is stored. It is the same on every
 * node and at every start until it is used. It is null once there is an admin, and in production without BOOTSTRAP_TOKEN.
 */
export async function bootstrapToken({
  config,
  database,
}: Pick<NodeRuntime, "config" | "database">): Promise<string | null> {
  const users = database("users");
  if (await hasAdmin(accountModel.bind(users))) return null;
  const current = await currentToken({ bootstrapTokens: bootstrapTokenModel.bind(users), config });
  return current?.token ?? null;
}

/**
 * Logs how to create the first admin while there is none. A generated token is logged once, at the start that
 * generates it. Many people read logs, and logs are kept. `npm start` generates it earlier and prints it in its box.
 */
export async function announceBootstrap(
  tools: Pick<BootstrapTools, "accounts" | "bootstrapTokens" | "config">,
  log: Log,
): Promise<void> {
  if (await hasAdmin(tools.accounts)) return;
  const current = await currentToken(tools);
  const how = "there is no admin yet: POST /api/v1/auth/bootstrap {token, email, password, name}";
  if (!current) log.warn("there is no admin yet: set BOOTSTRAP_TOKEN to make one");
  else if (tools.config.BOOTSTRAP_TOKEN) log.info(`${how} with token BOOTSTRAP_TOKEN`);
  else if (current.isNew) log.info(`${how} with token ${current.token}`);
  else log.info(`${how} with the token that the first start printed, or set BOOTSTRAP_TOKEN`);
}

const hasAdmin = async (accounts: Model<Account>): Promise<boolean> =>
  (await accounts.exists({ firstAdmin: true })) !== null;

interface CurrentToken {
  readonly token: string;
  /** This call has generated it. */
  readonly isNew: boolean;
}

/** BOOTSTRAP_TOKEN, else the stored token, generated when missing. Undefined in production without BOOTSTRAP_TOKEN. */
async function currentToken({
  bootstrapTokens,
  config,
}: Pick<BootstrapTools, "bootstrapTokens" | "config">): Promise<CurrentToken | undefined> {
  if (config.BOOTSTRAP_TOKEN) return { token: config.BOOTSTRAP_TOKEN, isNew: false };
  if (config.NODE_ENV === "production") return undefined;
  const kept = await bootstrapTokens.findById(ID).lean<BootstrapToken>();
  if (kept) return { token: kept.token, isNew: false };
  const token = randomBytes(24).toString("base64url");
  try {
    await bootstrapTokens.create({ _id: ID, token });
    return { token, isNew: true };
  } catch (error) {
    if (!isDuplicateKey(error)) throw error;
    const first = await bootstrapTokens.findById(ID).lean<BootstrapToken>();
    return first ? { token: first.token, isNew: false } : undefined;
  }
}
