/** Accounts, sessions and saved addresses. */

import type { CallMeta } from "../../broker/contract/call-meta.ts";
import { SoukError } from "../../broker/contract/errors.ts";
import { defineService } from "../../broker/moleculer/define-service.ts";
import { collectionOf } from "../../broker/mongo/documents.ts";
import { ReadGroup } from "../../broker/mongo/read-group.ts";
import { mongo } from "../../mixins/mongo.ts";
import { notify } from "../../mixins/notify.ts";
import { outbox } from "../../mixins/outbox.ts";
import { workers } from "../../mixins/workers.ts";
import { addAddress, findAddress, removeAddress, replaceAddress } from "./accounts/addresses.ts";
import { announceBootstrap, bootstrapAdmin } from "./accounts/bootstrap-admin.ts";
import { changePassword, type SignedIn } from "./accounts/change-credentials.ts";
import { cancelEmailChange, confirmEmailChange, requestEmailChange } from "./accounts/change-email.ts";
import { exportAccounts } from "./accounts/export-accounts.ts";
import { mergeCart } from "./accounts/merge-cart.ts";
import { openAccount } from "./accounts/register-account.ts";
import { requireAccount, updateProfile } from "./accounts/update-account.ts";
import { requestVerification, verifyEmail } from "./accounts/verify-email.ts";
import { apiKeyModel } from "./api-keys/api-key.model.ts";
import { createApiKey, listApiKeys, liveKeys, revokeApiKey } from "./api-keys/api-keys.ts";
import { checkCredentials } from "./credentials/check-credentials.ts";
import { createPasswordHasher } from "./credentials/hash-password.ts";
import { createLoginLimits, memoryCounters, redisCounters } from "./credentials/login-limits.ts";
import { issueMailToken } from "./credentials/mail-tokens.ts";
import { requestPasswordReset, resetPassword } from "./credentials/reset-password.ts";
import { createSeal } from "./credentials/seal.ts";
import { type Account, accountModel, shownEmail } from "./models/account.model.ts";
import { bootstrapTokenModel } from "./models/bootstrap-token.model.ts";
import { sealingKeyModel } from "./models/sealing-key.model.ts";
import { sessionModel } from "./models/session.model.ts";
import { signingKeyModel } from "./models/signing-key.model.ts";
import { ticketModel } from "./models/ticket.model.ts";
import { endAccess, eraseUser } from "./privacy/erase-account.ts";
import { createRole, listRoles, removeRole, replaceRole } from "./roles/edit-roles.ts";
import type { Actor } from "./roles/grant.ts";
import { roleModel } from "./roles/role.model.ts";
import { createRoles } from "./roles/roles.ts";
import { shopScopes } from "./roles/scopes.ts";
import { beginEnrolment, confirmEnrolment, disableSecondFactor } from "./second-factor/enrol.ts";
import { createSessions } from "./sessions/sessions.ts";
import { createTickets } from "./sessions/sign-in-tickets.ts";
import { createSigningKeys } from "./sessions/signing-keys.ts";
import { firstFactorShown, secondFactorShown } from "./sign-in/sign-in.ts";
import { createProviders } from "./sign-in-elsewhere/providers.ts";
import { beginElsewhere, returnFromElsewhere } from "./sign-in-elsewhere/sign-in-elsewhere.ts";
import { accountViewOf } from "./staff/account-view.ts";
import { changeUser, requireUser } from "./staff/change-user.ts";
import { acceptInvitation, inviteUser } from "./staff/invite-user.ts";
import { listUsers } from "./staff/list-users.ts";
import { staffActModel } from "./staff/staff-act.model.ts";
import { createStaffActs } from "./staff/staff-acts.ts";
import { users } from "./users.contract.ts";
import { addressViewOf, sessionViewOf, userViewOf } from "./views.ts";

/** The gateway has checked the token, but a local call may have none. */
function signedIn({ meta }: { meta: CallMeta }): SignedIn {
  if (!meta.user) throw new SoukError("UNAUTHENTICATED");
  return meta.user;
}

/** As {@link signedIn}, with what the caller may grant. */
function actorOf({ meta }: { meta: CallMeta }): Actor {
  if (!meta.user) throw new SoukError("UNAUTHENTICATED");
  return meta.user;
}

const callerOf = (ctx: { meta: CallMeta }): string => signedIn(ctx).id;

export default defineService(users, {
  mixins: [
    mongo({
      accounts: accountModel,
      sessions: sessionModel,
      signingKeys: signingKeyModel,
      bootstrapTokens: bootstrapTokenModel,
      tickets: ticketModel,
      sealingKeys: sealingKeyModel,
      roles: roleModel,
      apiKeys: apiKeyModel,
      staffActs: staffActModel,
    }),
    outbox(accountModel),
    notify(),
    workers(),
  ],

  setup({ broker, database, models, outbox, notify, config, clock, logger: log }) {
    const { accounts, bootstrapTokens } = models;
    const keys = createSigningKeys({
      model: models.signingKeys,
      clock,
      log,
      configured: config.JWT_PRIVATE_KEY,
      lifetime: config.JWT_KEY_ROTATION,
    });
    const roles = createRoles(models.roles, shopScopes(broker.souk.shop.contracts));
    const sessions = createSessions({
      ...models,
      keys,
      config,
      clock,
      log,
      scopesOf: roles.scopesOf,
      changed: notify,
    });
    const counters = config.REDIS_URL
      ? redisCounters(config.REDIS_URL, config.NAMESPACE, clock, log)
      : memoryCounters(clock);
    const guesses = createLoginLimits(counters);
    const hasher = createPasswordHasher();
    const { bus } = broker.souk;
    return {
      people: {
        accounts,
        roleModel: models.roles,
        apiKeys: models.apiKeys,
        log,
        roles,
        database,
        sessions,
        outbox,
        hasher,
        clock,
        config,
        changed: notify,
      },
      acts: createStaffActs({ acts: models.staffActs, database, bus, clock, log }),
      keys,
      sessions,
      counters,
      contacts: new ReadGroup<Account>(collectionOf(accounts), { name: 1, email: 1, typedEmail: 1 }),
      viewOf: (account: Account) => userViewOf(account, config.STAFF_MFA),
      tools: {
        accounts,
        bootstrapTokens,
        sessions,
        tickets: createTickets(models.tickets, accounts, clock),
        seal: createSeal(models.sealingKeys, config.SEALING_KEY),
        providers: createProviders(config, clock, log),
        outbox,
        guesses,
        hasher,
        config,
        clock,
        log,
      },
    };
  },

  methods: {
    async accountView(account: Account) {
      return accountViewOf(account, (await this.people.roles.scopesOf([account])).get(account._id));
    },
  },

  actions: {
    async register(ctx) {
      const account = await openAccount(this.tools, ctx.params, { roles: ["customer"] }, ctx.meta);
      await mergeCart(ctx, account._id, this.logger);
      return this.sessions.start(account, ctx.meta);
    },

    async login(ctx) {
      const account = await checkCredentials(this.tools, ctx.params, ctx.meta.clientIp);
      return firstFactorShown(this.tools, ctx, account);
    },

    loginTotp(ctx) {
      return secondFactorShown(this.tools, ctx, ctx.params);
    },

    beginElsewhere({ params, meta }) {
      return beginElsewhere(this.tools, params, meta);
    },

    returnFromElsewhere({ params, meta }) {
      return returnFromElsewhere(this.tools, params, meta);
    },

    async loginElsewhere(ctx) {
      const account = await this.tools.tickets.redeem("elsewhere", ctx.params.code, ctx.params.verifier);
      return firstFactorShown(this.tools, ctx, account);
    },

    beginTotp(ctx) {
      return beginEnrolment(this.tools, signedIn(ctx), ctx.params.currentPassword);
    },

    async confirmTotp(ctx) {
      return { recoveryCodes: await confirmEnrolment(this.tools, signedIn(ctx), ctx.params.code) };
    },

    disableTotp(ctx) {
      return disableSecondFactor(this.tools, signedIn(ctx), ctx.params);
    },

    refresh({ params, meta }) {
      return this.sessions.refresh(params.refreshToken, meta);
    },

    logout({ params }) {
      return this.sessions.end(params.refreshToken);
    },

    forgotPassword({ params, meta }) {
      return requestPasswordReset(this.tools, params.email, meta.traceparent);
    },

    async issueMailToken({ params }) {
      return { token: await issueMailToken(this.tools, params) };
    },

    resetPassword({ params }) {
      return resetPassword(this.tools, params.token, params.password);
    },

    async bootstrap({ params, meta }) {
      return this.sessions.start(await bootstrapAdmin(this.tools, params, meta), meta);
    },

    async me(ctx) {
      return this.viewOf(await requireAccount(this.models.accounts, callerOf(ctx)));
    },

    async updateMe(ctx) {
      return this.viewOf(await updateProfile(this.models.accounts, callerOf(ctx), ctx.params));
    },

    requestEmailChange(ctx) {
      return requestEmailChange(this.tools, signedIn(ctx), ctx.params, ctx.meta.traceparent);
    },

    async confirmEmailChange({ params }) {
      return { status: await confirmEmailChange(this.tools, params.token) };
    },

    cancelEmailChange({ params }) {
      return cancelEmailChange(this.tools, params.token);
    },

    verifyEmail({ params }) {
      return verifyEmail(this.tools, params.token);
    },

    requestVerification({ params, meta }) {
      return requestVerification(this.tools, params.email, meta.traceparent);
    },

    changePassword(ctx) {
      return changePassword(this.tools, signedIn(ctx), ctx.params);
    },

    async listSessions(ctx) {
      const { id, session } = signedIn(ctx);
      const found = await this.sessions.list(id);
      return { items: found.map((it) => sessionViewOf(it, session)), nextCursor: null };
    },

    endSession(ctx) {
      return this.sessions.endOne(callerOf(ctx), ctx.params.id);
    },

    async listAddresses(ctx) {
      const { addresses } = await requireAccount(this.models.accounts, callerOf(ctx));
      return { items: addresses.map(addressViewOf), nextCursor: null };
    },

    async addAddress(ctx) {
      return addressViewOf(await addAddress(this.models.accounts, callerOf(ctx), ctx.params));
    },

    async replaceAddress(ctx) {
      return addressViewOf(await replaceAddress(this.models.accounts, callerOf(ctx), ctx.params));
    },

    removeAddress(ctx) {
      return removeAddress(this.models.accounts, callerOf(ctx), ctx.params.id);
    },

    async address({ params: { userId, id } }) {
      const { id: _, ...address } = addressViewOf(await findAddress(this.models.accounts, userId, id));
      return address;
    },

    async contacts({ params: { ids } }) {
      const found = await this.contacts.getMany(ids);
      return found.map((it) => ({ id: it._id, name: it.name, email: shownEmail(it) }));
    },

    exportPage({ params }) {
      return exportAccounts(this.models.accounts, params);
    },

    liveSessions({ params }) {
      return this.sessions.live(params.ids);
    },

    async acceptInvitation({ params, meta }) {
      return this.sessions.start(await acceptInvitation(this.people, params, meta), meta);
    },

    listUsers({ params }) {
      return listUsers(this.people, params);
    },

    async getUser({ params }) {
      return this.accountView(await requireUser(this.models.accounts, params.id));
    },

    async changeUser(ctx) {
      const { id, ...changes } = ctx.params;
      return this.accountView(await changeUser(this.people, actorOf(ctx), id, changes));
    },

    eraseUser(ctx) {
      return eraseUser(this.people, actorOf(ctx), ctx.params.id);
    },

    async inviteUser(ctx) {
      return this.accountView(await inviteUser(this.people, actorOf(ctx), ctx.params, ctx.meta));
    },

    async listRoles() {
      return { items: await listRoles(this.people), nextCursor: null };
    },

    createRole(ctx) {
      return createRole(this.people, actorOf(ctx), ctx.params);
    },

    replaceRole(ctx) {
      return replaceRole(this.people, actorOf(ctx), ctx.params);
    },

    removeRole(ctx) {
      return removeRole(this.people, actorOf(ctx), ctx.params.name);
    },

    listApiKeys({ params }) {
      return listApiKeys(this.people, params);
    },

    createApiKey(ctx) {
      return createApiKey(this.people, actorOf(ctx), ctx.params);
    },

    revokeApiKey({ params }) {
      return revokeApiKey(this.people, params.id);
    },

    async liveKeys({ params }) {
      return (await liveKeys(this.people, params.keys)).map((it) => ({ ...it, scopes: [...it.scopes] }));
    },

    staffAttempted({ params: { id, act } }) {
      return this.acts.attempted(id, act);
    },

    staffActed({ params: { id, act, status } }) {
      return this.acts.ended(id, act, status);
    },

    async jwks() {
      return { keys: (await this.keys.jwks()).map((it) => ({ ...it })) };
    },
  },

  workers: {
    /** Where a node has ended after the update of the account. */
    finishErasure({ data: { userId } }) {
      return endAccess(this.people, userId);
    },
  },

  async started() {
    await this.keys.start();
    this.acts.start();
    await announceBootstrap(this.tools, this.logger);
  },

  async stopped() {
    this.keys.stop();
    this.counters.close();
    await this.acts.stop();
  },
});
