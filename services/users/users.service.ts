/** Accounts, sessions and saved addresses. */

import { trusted } from "mongoose";
import type { CallMeta } from "../../broker/contract/call-meta.ts";
import { SoukError } from "../../broker/contract/errors.ts";
import { redactedReason } from "../../broker/contract/redact.ts";
import { defineServiceFromParts } from "../../broker/moleculer/define-service-from-parts.ts";
import type { TypedCall } from "../../broker/moleculer/handlers.ts";
import { createOutbox, type OutboxDocument } from "../../broker/mongo/document-outbox.ts";
import { rateLimitedLog } from "../../broker/resilience/rate-limited-log.ts";
import { addAddress, findAddress, removeAddress, replaceAddress } from "./accounts/addresses.ts";
import { announceBootstrap, bootstrapAdmin } from "./accounts/bootstrap-admin.ts";
import { changeEmail, changePassword, type SignedIn } from "./accounts/change-credentials.ts";
import { openAccount } from "./accounts/register-account.ts";
import { requireAccount, updateName } from "./accounts/update-account.ts";
import { checkCredentials } from "./credentials/check-credentials.ts";
import { createGuessLimits, memoryCounters, redisCounters } from "./credentials/guess-limits.ts";
import { createPasswordHasher } from "./credentials/hash-password.ts";
import { issueResetToken, requestPasswordReset, resetPassword } from "./credentials/reset-password.ts";
import { accountModel } from "./models/account.model.ts";
import { bootstrapTokenModel } from "./models/bootstrap-token.model.ts";
import { sessionModel } from "./models/session.model.ts";
import { signingKeyModel } from "./models/signing-key.model.ts";
import { createSessions } from "./sessions/sessions.ts";
import { createSigningKeys } from "./sessions/signing-keys.ts";
import { users } from "./users.contract.ts";
import { addressViewOf, sessionViewOf, userViewOf } from "./views.ts";

const owned = {
  models: {
    accounts: accountModel,
    sessions: sessionModel,
    signingKeys: signingKeyModel,
    bootstrapTokens: bootstrapTokenModel,
  },
};

/** The gateway has checked the token, but a local call may come without. */
function signedIn({ meta }: { meta: CallMeta }): SignedIn {
  if (!meta.user) throw new SoukError("UNAUTHENTICATED");
  return meta.user;
}

const callerOf = (ctx: { meta: CallMeta }): string => signedIn(ctx).id;

export default defineServiceFromParts(users, owned, ({ models, config, clock, log, runtime, notify }) => {
  const { accounts } = models;
  const keys = createSigningKeys({
    model: models.signingKeys,
    clock,
    log,
    configured: config.JWT_PRIVATE_KEY,
  });
  const sessions = createSessions({
    sessions: models.sessions,
    accounts,
    keys,
    config,
    clock,
    log,
    changed: notify,
  });
  const hasher = createPasswordHasher();
  const outbox = createOutbox({
    collection: accounts.db.collection<OutboxDocument>(accountModel.collection),
    source: "/users",
    bus: runtime.bus,
    clock,
    log,
  });
  const shared = config.REDIS_URL && redisCounters(config.REDIS_URL, config.NAMESPACE, clock, log);
  const tools = {
    accounts,
    guesses: createGuessLimits(shared || memoryCounters(clock)),
    bootstrapTokens: models.bootstrapTokens,
    hasher,
    outbox,
    sessions,
    config,
    clock,
  };

  /** The cart service merges by itself later, too: its absence must not keep anybody out. */
  async function mergeCart(ctx: { meta: CallMeta; call: TypedCall }, userId: string): Promise<void> {
    const { cartId } = ctx.meta;
    if (!cartId) return;
    try {
      await ctx.call("cart.merge", { cartId, userId });
    } catch (error) {
      rateLimitedLog(log).warn("merge", "a guest's cart was not merged at login", {
        cartId,
        userId,
        reason: redactedReason(error),
      });
    }
  }

  return {
    actions: {
      async register(ctx) {
        const account = await openAccount(tools, ctx.params, { roles: ["customer"] }, ctx.meta);
        await mergeCart(ctx, account._id);
        return sessions.start(account, ctx.meta);
      },
      async login(ctx) {
        const account = await checkCredentials(tools, ctx.params, ctx.meta.clientIp);
        await mergeCart(ctx, account._id);
        return sessions.start(account, ctx.meta);
      },
      refresh: (ctx) => sessions.refresh(ctx.params.refreshToken, ctx.meta),
      logout: (ctx) => sessions.end(ctx.params.refreshToken),
      forgotPassword: (ctx) => requestPasswordReset(tools, ctx.params.email, ctx.meta.traceparent),
      issueResetToken: async (ctx) => ({
        token: await issueResetToken(tools, ctx.params.userId, ctx.params.resetId),
      }),
      resetPassword: (ctx) => resetPassword(tools, ctx.params.token, ctx.params.password),
      async bootstrap(ctx) {
        return sessions.start(await bootstrapAdmin(tools, ctx.params, ctx.meta), ctx.meta);
      },
      async me(ctx) {
        return userViewOf(await requireAccount(accounts, callerOf(ctx)));
      },
      async updateMe(ctx) {
        const { name, email, currentPassword } = ctx.params;
        const caller = signedIn(ctx);
        if (email === undefined || currentPassword === undefined)
          return userViewOf(await updateName(accounts, caller.id, name));
        return userViewOf(await changeEmail(tools, caller, currentPassword, { email, name }));
      },
      changePassword: (ctx) => changePassword(tools, signedIn(ctx), ctx.params),
      async listSessions(ctx) {
        const { id, session } = signedIn(ctx);
        const found = await sessions.list(id);
        return { items: found.map((it) => sessionViewOf(it, session)), nextCursor: null };
      },
      endSession: (ctx) => sessions.endOne(callerOf(ctx), ctx.params.id),
      async listAddresses(ctx) {
        const { addresses } = await requireAccount(accounts, callerOf(ctx));
        return { items: addresses.map(addressViewOf), nextCursor: null };
      },
      async addAddress(ctx) {
        return addressViewOf(await addAddress(accounts, callerOf(ctx), ctx.params));
      },
      async replaceAddress(ctx) {
        return addressViewOf(await replaceAddress(accounts, callerOf(ctx), ctx.params));
      },
      removeAddress: (ctx) => removeAddress(accounts, callerOf(ctx), ctx.params.id),
      async address(ctx) {
        const { id: _, ...address } = addressViewOf(
          await findAddress(accounts, ctx.params.userId, ctx.params.id),
        );
        return address;
      },
      async contacts({ params: { ids } }) {
        const found = await accounts.find({ _id: trusted({ $in: ids }) }, { name: 1, email: 1 }).lean();
        return found.map(({ _id, name, email }) => ({ id: _id, name, email }));
      },
      liveSessions: (ctx) => sessions.live(ctx.params.ids),
      jwks: () => ({ keys: keys.jwks().map((it) => ({ ...it })) }),
    },
    async started() {
      await keys.start();
      await announceBootstrap(tools, log);
      outbox.start();
    },
    async stopped() {
      keys.stop();
      await outbox.stop();
      if (shared) shared.close();
    },
  };
});
