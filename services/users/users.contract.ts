import { z } from "zod";
import {
  type ActionsOf,
  action,
  defineContract,
  event,
  type MessagesOf,
} from "../../broker/contract/contract.ts";
import { address, email, id, line, list, time } from "../../broker/contract/schemas.ts";
import { usersErrors } from "./users.errors.ts";

export const role = z.enum(["customer", "staff", "admin"]).meta({ id: "Role" });
export type Role = z.output<typeof role>;

const password = z.string().min(8).max(128).meta({ description: "8 to 128 characters" });
const currentPassword = z.string().min(1).max(128);
const token = z.string().min(20).max(512);

export const userView = z
  .strictObject({ id, email, name: z.string(), roles: z.array(role) })
  .meta({ id: "User" });
export const tokens = z
  .strictObject({
    user: userView,
    accessToken: z.string(),
    refreshToken: z.string(),
    expiresIn: z.int().meta({ description: "Seconds until the access token expires" }),
  })
  .meta({ id: "Tokens", description: "Who is signed in, and the tokens of the session" });
export const sessionView = z
  .strictObject({
    id,
    createdAt: time,
    lastUsedAt: time,
    userAgent: z.string().optional(),
    ip: z.string().optional(),
    current: z.boolean().meta({ description: "Whether the request was made in it" }),
  })
  .meta({ id: "Session" });
export const savedAddress = address.extend({ id }).meta({ id: "SavedAddress" });

export const users = defineContract({
  service: "users",
  errors: usersErrors,
  actions: {
    register: action({
      summary: "Open an account",
      operationId: "register",
      rest: "POST /auth/register",
      auth: "public",
      status: 201,
      params: z.strictObject({ email, password, name: line(120) }),
      returns: tokens,
      errors: ["EMAIL_TAKEN", "WEAK_PASSWORD"],
    }),
    login: action({
      summary: "Sign in with e-mail address and password; a guest's cart (X-Cart-Id) is merged",
      operationId: "login",
      rest: "POST /auth/login",
      auth: "public",
      params: z.strictObject({ email, password: z.string().min(1).max(128) }),
      returns: tokens,
      errors: ["INVALID_CREDENTIALS"],
    }),
    refresh: action({
      summary: "Exchange a refresh token, once; a reused one ends the whole session",
      operationId: "refreshTokens",
      rest: "POST /auth/refresh",
      auth: "public",
      params: z.strictObject({ refreshToken: token }),
      returns: tokens,
      errors: ["INVALID_TOKEN"],
    }),
    logout: action({
      summary: "End the session of a refresh token",
      operationId: "logout",
      rest: "POST /auth/logout",
      auth: "public",
      params: z.strictObject({ refreshToken: token }),
      returns: z.void(),
    }),
    forgotPassword: action({
      summary: "Ask for a password reset; the answer is the same whether or not there is such an account",
      operationId: "requestPasswordReset",
      rest: "POST /auth/password/forgot",
      auth: "public",
      status: 202,
      params: z.strictObject({ email }),
      returns: z.void(),
    }),
    resetPassword: action({
      summary: "Set a new password with a reset token; ends all sessions",
      operationId: "resetPassword",
      rest: "POST /auth/password/reset",
      auth: "public",
      params: z.strictObject({ token, password }),
      returns: z.void(),
      errors: ["INVALID_TOKEN", "WEAK_PASSWORD"],
    }),
    issueResetToken: action({
      summary:
        "A single-use token for the mail of a password reset; only between services, and never on the bus",
      params: z.strictObject({ userId: id, resetId: id }),
      returns: z.strictObject({ token: z.string() }),
      errors: ["NOT_FOUND"],
    }),
    bootstrap: action({
      summary: "Make the first admin, once, with the token printed at the first start",
      operationId: "bootstrapAdmin",
      rest: "POST /auth/bootstrap",
      auth: "public",
      status: 201,
      params: z.strictObject({ token: z.string().min(1).max(512), email, password, name: line(120) }),
      returns: tokens,
      errors: ["INVALID_TOKEN", "BOOTSTRAP_CLOSED", "EMAIL_TAKEN", "WEAK_PASSWORD"],
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
      summary:
        "Change the signed-in user's name, or e-mail address, which needs the current password and ends all other sessions",
      operationId: "updateMe",
      rest: "PATCH /users/me",
      auth: "customer",
      params: z
        .strictObject({
          name: line(120).optional(),
          email: email.optional(),
          currentPassword: currentPassword.optional(),
        })
        .refine((it) => it.email === undefined || it.currentPassword !== undefined, {
          path: ["currentPassword"],
          message: "is needed for a new e-mail address",
        }),
      returns: userView,
      errors: ["EMAIL_TAKEN", "WRONG_PASSWORD", "CONFLICT"],
    }),
    listSessions: action({
      summary: "Where the user is signed in (up to 100), the last used first",
      operationId: "listSessions",
      rest: "GET /users/me/sessions",
      auth: "customer",
      params: z.strictObject({}),
      returns: list(sessionView),
    }),
    endSession: action({
      summary: "End a session of the user: its tokens are refused from then on",
      operationId: "endSession",
      rest: "DELETE /users/me/sessions/:id",
      auth: "customer",
      params: z.strictObject({ id }),
      returns: z.void(),
      errors: ["NOT_FOUND"],
    }),
    changePassword: action({
      summary: "Change the signed-in user's password; ends all other sessions",
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
      summary: "Save an address (up to 50)",
      operationId: "addAddress",
      rest: "POST /users/me/addresses",
      auth: "customer",
      status: 201,
      params: address,
      returns: savedAddress,
      errors: ["CONFLICT"],
    }),
    replaceAddress: action({
      summary: "Replace a saved address",
      operationId: "replaceAddress",
      rest: "PUT /users/me/addresses/:id",
      auth: "customer",
      params: address.extend({ id }),
      returns: savedAddress,
      errors: ["NOT_FOUND"],
    }),
    removeAddress: action({
      summary: "Remove a saved address",
      operationId: "removeAddress",
      rest: "DELETE /users/me/addresses/:id",
      auth: "customer",
      params: z.strictObject({ id }),
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
      summary: "Names and e-mail addresses, for staff's lists; accounts that are gone are left out",
      readOnly: true,
      params: z.strictObject({ ids: z.array(id).max(100) }),
      returns: z.array(z.strictObject({ id, name: z.string(), email: z.string() })),
    }),
    liveSessions: action({
      summary: "Those of the sessions that have not ended, and what their users may do now, for the gateway",
      readOnly: true,
      params: z.strictObject({ ids: z.array(id).max(500) }),
      returns: z.array(z.strictObject({ id, userId: id, roles: z.array(role) })),
    }),
    jwks: action({
      summary: "Public keys that access tokens are signed with (RFC 7517)",
      readOnly: true,
      params: z.strictObject({}),
      returns: z.strictObject({ keys: z.array(z.record(z.string(), z.unknown())) }),
    }),
  },
  messages: {
    "user.registered": event(
      "user",
      "An account was opened",
      z.strictObject({ userId: id, email, name: z.string() }),
    ),
    "user.password_reset_requested": event(
      "user",
      "A password reset was asked for; whoever mails it asks for its token by `users.issueResetToken`",
      z.strictObject({ userId: id, email, name: z.string(), resetId: id, expiresAt: time }),
    ),
  },
});

declare module "../../broker/contract/contract.ts" {
  interface Actions extends ActionsOf<typeof users> {}
  interface Messages extends MessagesOf<typeof users> {}
}
