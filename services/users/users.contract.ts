import { z } from "zod";
import { addressInput, byCountry } from "../../broker/contract/addresses/address-input.ts";
import {
  type ActionsOf,
  action,
  defineContract,
  event,
  type MessagesOf,
} from "../../broker/contract/contract.ts";
import { address, email, id, list, time } from "../../broker/contract/schemas.ts";
import { cartHeader } from "../cart/cart.contract.ts";
import { apiKeyActions } from "./contract/api-key.actions.ts";
import { staffActions } from "./contract/staff.actions.ts";
import { scope, staffMessages } from "./contract/staff.messages.ts";
import { elsewhereActions } from "./elsewhere.actions.ts";
import { secondFactorActions } from "./second-factor.actions.ts";
import { usersConfig } from "./users.config.ts";
import { usersErrors } from "./users.errors.ts";
import {
  currentPassword,
  customerExt,
  name,
  password,
  type Role,
  refreshToken,
  role,
  token,
  tokens,
  userView,
} from "./users.shapes.ts";

export { type Role, role, tokens, userView };

export const sessionView = z
  .strictObject({
    id,
    createdAt: time,
    lastUsedAt: time,
    userAgent: z.string().optional(),
    ip: z.string().optional(),
    current: z.boolean().meta({ description: "Whether the request was made in it" }),
  })
  .meta({
    id: "Session",
    description: "Where a user is signed in",
    examples: [
      {
        id: "01941b20-7a00-7e10-9c31-5b8d2f4e6a70",
        createdAt: "2026-11-27T09:00:00.000Z",
        lastUsedAt: "2026-11-27T09:30:00.000Z",
        userAgent: "Mozilla/5.0 (X11; Linux x86_64)",
        ip: "192.0.2.7",
        current: true,
      },
    ],
  });
export const savedAddress = address
  .extend({ id })
  .meta({ id: "SavedAddress", description: "An address that a user has saved" });
const addressId = id.meta({ description: "Id of the saved address" });

/** What a mail to the owner of an account is for. */
export const mailPurpose = z
  .enum(["reset", "verify", "change_email", "invitation"])
  .meta({ id: "MailPurpose", description: "What the mail's token is good for", examples: ["reset"] });
export type MailPurpose = z.output<typeof mailPurpose>;

const addressOfChange = z
  .enum(["current", "new"])
  .meta({ id: "AddressOfChange", description: "Which of the two addresses `email` is" });
export type AddressOfChange = z.output<typeof addressOfChange>;

const mailToken = token.meta({
  description: "Of the mail",
  examples: ["k7Qw2nVx9sT4bR8mJ1pL6yD3cF5gH0aZ"],
});

const userName = z.string().meta({ examples: ["Ann Example"] });
const contact = z.strictObject({ userId: id, email, name: userName });
/** Whoever mails it asks for its token by `users.issueMailToken`. */
const mailRequest = contact.extend({ requestId: id, expiresAt: time });

const messages = {
  ...staffMessages,
  "user.registered": event("user", "An account was opened", contact),
  "user.email_verification_requested": event(
    "user",
    "A mail shall ask the owner of the address to confirm it (purpose `verify`)",
    mailRequest,
  ),
  "user.email_change_requested": event(
    "user",
    "A mail to `email` shall ask for a yes to the account's new address (purpose `change_email`); one event for each of the two addresses",
    mailRequest.extend({
      address: addressOfChange,
      newEmail: email,
    }),
  ),
  "user.email_changed": event(
    "user",
    "An account has another e-mail address",
    contact.extend({ previousEmail: email }),
  ),
  "user.password_reset_requested": event(
    "user",
    "A password reset was asked for (purpose `reset`); its token comes from `users.issueMailToken`",
    mailRequest,
  ),
  "user.password_changed": event("user", "An account has another password", contact),
  "user.blocked": event("user", "An account was blocked: its sessions have ended", contact),
};

export const users = defineContract({
  service: "users",
  config: usersConfig,
  errors: usersErrors,
  description: "Accounts: signing in and out, sessions, passwords and saved addresses.",
  actions: {
    ...staffActions,
    ...secondFactorActions,
    ...elsewhereActions,
    ...apiKeyActions,
    register: action({
      summary: "Open an account",
      description: "The new user is signed in at once, and a guest's cart (`X-Cart-Id`) becomes the user's.",
      operationId: "register",
      headers: { request: cartHeader },
      rest: "POST /auth/register",
      auth: "public",
      repeatable: "the address is taken then",
      credentials: true,
      status: 201,
      params: z.strictObject({ email, password, name }),
      returns: tokens,
      errors: ["EMAIL_TAKEN", "WEAK_PASSWORD"],
    }),
    login: action({
      summary: "Sign in",
      description:
        "Starts a session, and a guest's cart (`X-Cart-Id`) becomes the user's. " +
        "After several wrong passwords an account takes no more of them for a while (429). " +
        "Where the account has a second factor, the answer is `MFA_REQUIRED` with a `ticket` for the next step.",
      operationId: "login",
      headers: { request: cartHeader },
      rest: "POST /auth/login",
      auth: "public",
      repeatable: "one more session",
      credentials: true,
      params: z.strictObject({ email, password: currentPassword }),
      returns: tokens,
      errors: ["INVALID_CREDENTIALS", "ACCOUNT_BLOCKED", "MFA_REQUIRED"],
      problems: { MFA_REQUIRED: z.strictObject({ ticket: z.string() }) },
    }),
    refresh: action({
      summary: "Renew the tokens of a session",
      description:
        "A refresh token works once; the reply has the next. One that is presented again much later ends the whole session.",
      operationId: "refreshTokens",
      rest: "POST /auth/refresh",
      auth: "public",
      repeatable: "the same successor for a while, then the session ends",
      params: z.strictObject({ refreshToken }),
      returns: tokens,
      errors: ["INVALID_TOKEN"],
    }),
    logout: action({
      summary: "Sign out",
      description: "Ends the session of the refresh token: its access tokens are refused from then on.",
      operationId: "logout",
      rest: "POST /auth/logout",
      auth: "public",
      repeatable: "ended is ended",
      params: z.strictObject({ refreshToken }),
      returns: z.void(),
    }),
    forgotPassword: action({
      summary: "Ask for a password reset",
      description: "The answer is the same whether or not there is such an account.",
      operationId: "requestPasswordReset",
      rest: "POST /auth/password/forgot",
      auth: "public",
      repeatable: "one more mail",
      credentials: true,
      status: 202,
      params: z.strictObject({ email }),
      returns: z.void(),
    }),
    resetPassword: action({
      summary: "Set a new password with a reset token",
      description: "The token works once. All sessions of the user end.",
      operationId: "resetPassword",
      rest: "POST /auth/password/reset",
      auth: "public",
      repeatable: "a token is good once",
      credentials: true,
      params: z.strictObject({
        token: mailToken,
        password,
      }),
      returns: z.void(),
      errors: ["INVALID_TOKEN", "WEAK_PASSWORD"],
    }),
    verifyEmail: action({
      summary: "Confirm the e-mail address of an account",
      description: "The token works once.",
      operationId: "verifyEmail",
      rest: "POST /auth/email/verify",
      auth: "public",
      repeatable: "a token is good once",
      credentials: true,
      params: z.strictObject({ token: mailToken }),
      returns: z.void(),
      errors: ["INVALID_TOKEN"],
    }),
    requestVerification: action({
      summary: "Ask for another mail to confirm an e-mail address",
      description:
        "The answer is the same whether or not there is such an account. An account gets one mail a minute.",
      operationId: "requestEmailVerification",
      rest: "POST /auth/email/verification",
      auth: "public",
      repeatable: "one mail a minute",
      credentials: true,
      status: 202,
      params: z.strictObject({ email }),
      returns: z.void(),
    }),
    confirmEmailChange: action({
      summary: "Agree to a new e-mail address",
      description:
        "The account's address changes when both addresses have agreed. All sessions end but the one that asked for it.",
      operationId: "confirmEmailChange",
      rest: "POST /auth/email/change",
      auth: "public",
      repeatable: "a token is good once",
      credentials: true,
      params: z.strictObject({ token: mailToken }),
      returns: z
        .strictObject({
          status: z
            .enum(["waiting", "changed"])
            .meta({ id: "EmailChangeStatus", description: "Whether the other address has to agree" }),
        })
        .meta({
          id: "EmailChangeProgress",
          description: "How far the change of an address is",
          examples: [{ status: "waiting" }],
        }),
      errors: ["INVALID_TOKEN", "EMAIL_TAKEN"],
    }),
    cancelEmailChange: action({
      summary: "Refuse a new e-mail address",
      description: "Either of the two mails can do it.",
      operationId: "cancelEmailChange",
      rest: "POST /auth/email/change/cancel",
      auth: "public",
      repeatable: "a token is good once",
      credentials: true,
      params: z.strictObject({ token: mailToken }),
      returns: z.void(),
      errors: ["INVALID_TOKEN"],
    }),
    issueMailToken: action({
      summary:
        "A single-use token for a mail that an event asked for; only between services, and never on the bus",
      params: z.strictObject({ userId: id, requestId: id, purpose: mailPurpose }),
      returns: z.strictObject({ token: z.string() }),
      errors: ["NOT_FOUND"],
    }),
    bootstrap: action({
      summary: "Make the first admin",
      description: "Works once, with the token that the first start printed or that `BOOTSTRAP_TOKEN` sets.",
      operationId: "bootstrapAdmin",
      rest: "POST /auth/bootstrap",
      auth: "public",
      repeatable: "there is one first admin",
      credentials: true,
      status: 201,
      params: z.strictObject({
        token: z
          .string()
          .min(1)
          .max(512)
          .meta({ description: "The bootstrap token", examples: ["k7Qw2nVx9sT4bR8mJ1pL6yD3"] }),
        email,
        password,
        name,
      }),
      returns: tokens,
      errors: ["INVALID_TOKEN", "BOOTSTRAP_CLOSED", "EMAIL_TAKEN", "WEAK_PASSWORD"],
    }),
    acceptInvitation: action({
      summary: "Accept an invitation to the staff",
      description: "The token works once. The new member of staff is signed in at once.",
      operationId: "acceptInvitation",
      rest: "POST /auth/invitations/accept",
      auth: "public",
      repeatable: "a token is good once",
      credentials: true,
      params: z.strictObject({
        token: token.meta({
          description: "Of the mail",
          examples: ["k7Qw2nVx9sT4bR8mJ1pL6yD3cF5gH0aZ"],
        }),
        password,
        name,
      }),
      returns: tokens,
      errors: ["INVALID_TOKEN", "WEAK_PASSWORD"],
    }),
    me: action({
      summary: "The signed-in user",
      operationId: "getMe",
      rest: "GET /users/me",
      auth: "customer",
      params: z.strictObject({}),
      returns: userView,
    }),
    updateMe: action({
      summary: "Change the signed-in user's name",
      description: "`POST /users/me/email` changes the e-mail address.",
      operationId: "updateMe",
      rest: "PATCH /users/me",
      auth: "customer",
      params: z.strictObject({ name: name.optional(), ext: customerExt.optional() }),
      returns: userView,
    }),
    requestEmailChange: action({
      summary: "Ask for another e-mail address",
      description:
        "A mail goes to each of the two addresses. The address changes when both have agreed, within a day. " +
        "The answer is the same whether or not another account has the address.",
      operationId: "requestEmailChange",
      rest: "POST /users/me/email",
      auth: "customer",
      repeatable: "one pair of mails a minute",
      credentials: true,
      status: 202,
      params: z.strictObject({ email, currentPassword }),
      returns: z.void(),
      errors: ["WRONG_PASSWORD", "CONFLICT"],
    }),
    listSessions: action({
      summary: "Where the user is signed in",
      description: "Up to 100 sessions, the last used first.",
      operationId: "listSessions",
      rest: "GET /users/me/sessions",
      auth: "customer",
      params: z.strictObject({}),
      returns: list(sessionView),
    }),
    endSession: action({
      summary: "End a session of the user",
      description: "Its tokens are refused from then on.",
      operationId: "endSession",
      rest: "DELETE /users/me/sessions/:id",
      auth: "customer",
      params: z.strictObject({ id: id.meta({ description: "Id of the session" }) }),
      returns: z.void(),
      errors: ["NOT_FOUND"],
    }),
    changePassword: action({
      summary: "Change the signed-in user's password",
      description: "All other sessions end.",
      operationId: "changePassword",
      rest: "PUT /users/me/password",
      auth: "customer",
      params: z.strictObject({ currentPassword, password }),
      returns: z.void(),
      errors: ["WRONG_PASSWORD", "WEAK_PASSWORD", "CONFLICT"],
    }),
    listAddresses: action({
      summary: "Saved addresses",
      operationId: "listAddresses",
      rest: "GET /users/me/addresses",
      auth: "customer",
      params: z.strictObject({}),
      returns: list(savedAddress),
    }),
    addAddress: action({
      summary: "Save an address",
      description: "An account keeps up to 50.",
      operationId: "addAddress",
      rest: "POST /users/me/addresses",
      auth: "customer",
      repeatable: "one more address in a short list",
      status: 201,
      params: addressInput,
      returns: savedAddress,
      errors: ["CONFLICT"],
    }),
    replaceAddress: action({
      summary: "Replace a saved address",
      operationId: "replaceAddress",
      rest: "PUT /users/me/addresses/:id",
      auth: "customer",
      params: byCountry(address.extend({ id: addressId })),
      returns: savedAddress,
      errors: ["NOT_FOUND"],
    }),
    removeAddress: action({
      summary: "Remove a saved address",
      operationId: "removeAddress",
      rest: "DELETE /users/me/addresses/:id",
      auth: "customer",
      params: z.strictObject({ id: addressId }),
      returns: z.void(),
      errors: ["NOT_FOUND"],
    }),
    address: action({
      summary: "One saved address of one user, for checkout",
      readOnly: true,
      params: z.strictObject({ userId: id, id }),
      returns: address,
      errors: ["NOT_FOUND"],
    }),
    contacts: action({
      summary:
        "Names and e-mail addresses, for checkout and staff's lists; accounts that are gone are left out",
      readOnly: true,
      params: z.strictObject({ ids: z.array(id).max(100) }),
      returns: z.array(z.strictObject({ id, name: z.string(), email: z.string() })),
    }),
    exportPage: action({
      summary: "All accounts by id, for files",
      readOnly: true,
      params: z.strictObject({ after: id.optional(), until: id, limit: z.int().min(1).max(500) }),
      returns: z.array(
        z.strictObject({ id, email: z.string(), name: z.string(), roles: z.array(role), createdAt: time }),
      ),
    }),
    liveSessions: action({
      summary: "Those of the sessions that have not ended, and what their users may do now, for the gateway",
      readOnly: true,
      params: z.strictObject({ ids: z.array(id).max(500) }),
      returns: z.array(
        z.strictObject({ id, userId: id, roles: z.array(role), scopes: z.array(scope).optional() }),
      ),
    }),
    jwks: action({
      summary: "Public keys that access tokens are signed with (RFC 7517)",
      readOnly: true,
      params: z.strictObject({}),
      returns: z.strictObject({ keys: z.array(z.record(z.string(), z.unknown())) }),
    }),
  },
  messages,
  workers: { finishErasure: { receives: ["user.erased"] } },
});

declare module "../../broker/contract/contract.ts" {
  interface Actions extends ActionsOf<typeof users> {}
  interface Messages extends MessagesOf<typeof messages> {}
}
