/**
 * The first admin. While the shop has none, one request that shows the bootstrap token may make it; the unique index
 * on `firstAdmin` lets one of several racing requests through.
 */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { Model } from "mongoose";
import type { Config } from "../../broker/config.ts";
import { isDuplicateKey } from "../../broker/duplicate-key.ts";
import { errorCode, SoukError } from "../../broker/errors.ts";
import type { Log, NodeRuntime } from "../../broker/runtime.ts";
import type { CallMeta } from "../../broker/service.ts";
import { type Account, accountModel } from "./account.model.ts";
import { type BootstrapToken, bootstrapTokenModel } from "./bootstrap-token.model.ts";
import { type NewAccount, openAccount, type Registration } from "./register-account.ts";

const ID = "first-admin";

export interface BootstrapTools extends Registration {
  bootstrapTokens: Model<BootstrapToken>;
  config: Pick<Config, "BOOTSTRAP_TOKEN" | "SELLER_NAME">;
}

/** @throws {SoukError} BOOTSTRAP_CLOSED, INVALID_TOKEN or EMAIL_TAKEN */
export async function bootstrapAdmin(
  tools: BootstrapTools,
  { token, ...account }: NewAccount & { token: string },
  meta: CallMeta = {},
): Promise<Account> {
  const expected = await currentToken(tools);
  if (expected === null) throw new SoukError("BOOTSTRAP_CLOSED");
  if (!sameSecret(token, expected)) throw new SoukError("INVALID_TOKEN");
  const standing = { roles: ["customer", "staff", "admin"] as Account["roles"], firstAdmin: true as const };
  const admin = await openAccount(tools, account, standing, meta).catch(async (error) => {
    // Of two requests with one address, the loser may meet the address before it meets the admin.
    if (errorCode(error) === "EMAIL_TAKEN" && (await hasAdmin(tools.accounts)))
      throw new SoukError("BOOTSTRAP_CLOSED");
    throw error;
  });
  await tools.bootstrapTokens.deleteOne({ _id: ID });
  return admin;
}

/**
 * The token that makes the first admin, or null when there is one already: for `npm start` to show.
 * The same on every node and at every start until it is used: BOOTSTRAP_TOKEN, else one generated and kept.
 */
export function bootstrapToken({
  config,
  database,
}: Pick<NodeRuntime, "config" | "database">): Promise<string | null> {
  const users = database("users");
  return currentToken({
    accounts: accountModel.bind(users),
    bootstrapTokens: bootstrapTokenModel.bind(users),
    config,
  });
}

/** Tells whoever starts the shop how to get in, while nobody is. A configured token is not repeated. */
export async function announceBootstrap(tools: TokenTools, log: Log): Promise<void> {
  const token = await currentToken(tools);
  if (token === null) return;
  const shown = tools.config.BOOTSTRAP_TOKEN ? "BOOTSTRAP_TOKEN" : token;
  log.info(
    `there is no admin yet: POST /api/v1/auth/bootstrap {token, email, password, name} with token ${shown}`,
  );
}

interface TokenTools extends Pick<BootstrapTools, "accounts" | "bootstrapTokens"> {
  config: Pick<Config, "BOOTSTRAP_TOKEN">;
}

const hasAdmin = async (accounts: Model<Account>): Promise<boolean> =>
  (await accounts.exists({ firstAdmin: true })) !== null;

async function currentToken({ accounts, bootstrapTokens, config }: TokenTools): Promise<string | null> {
  if (await hasAdmin(accounts)) return null;
  if (config.BOOTSTRAP_TOKEN) return config.BOOTSTRAP_TOKEN;
  const kept = await bootstrapTokens.findById(ID).lean<BootstrapToken>();
  if (kept) return kept.token;
  const token = randomBytes(24).toString("base64url");
  try {
    await bootstrapTokens.create({ _id: ID, token });
    return token;
  } catch (error) {
    if (!isDuplicateKey(error)) throw error;
    const first = await bootstrapTokens.findById(ID).lean<BootstrapToken>();
    return first ? first.token : null;
  }
}

/** Constant time; hashing first makes the lengths equal. */
const sameSecret = (a: string, b: string): boolean => timingSafeEqual(digest(a), digest(b));
const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
