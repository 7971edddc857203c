/** Who may call which route of the service; run by test/e2e/access-matrix.spec.ts. */
import assert from "node:assert/strict";
import { newId } from "../../../broker/contract/ids.ts";
import { home, PASSWORD, signIn, signUp } from "../../../souk/testing/people.ts";
import {
  type Caller,
  everyone,
  ownerAlone,
  type Rows,
  signedIn,
  staffOnly,
  type World,
} from "../../../test/e2e/support/access.ts";

const email = () => `${newId()}@example.com`;
const refreshToken = async ({ owner, shop }: World) => (await signIn(shop.http, owner.email)).refreshToken;
const savedAddress = ({ owner }: World) =>
  owner.http.expect<{ id: string }>(201, "POST", "/users/me/addresses", { body: home });
/** A session of the owner other than that of the owner's requests. */
const anotherSession = async ({ owner, shop }: World) => {
  const { http } = await signIn(shop.http, owner.email);
  const path = "/users/me/sessions";
  const { items } = await http.expect<{ items: { id: string; current: boolean }[] }>(200, "GET", path);
  return items.find((it) => it.current)?.id;
};
/** A role that grants nothing, so that everybody may grant it who may grant at all. */
const emptyRole = async ({ admin }: World) => {
  const name = `role-${newId()}`.slice(0, 40);
  await admin.http.expect(201, "POST", "/roles", { body: { name, scopes: [] } });
  return name;
};
/** Staff of before roles have all scopes but those of staff. */
const adminsOnly = (status: number) => ({ ...staffOnly(status), staff: 403 });

export const rows: Rows = {
  "users.acceptInvitation": {
    // The token goes by mail only.
    expect: everyone(401),
    ask: () => ({
      path: "/auth/invitations/accept",
      body: { token: "x".repeat(43), password: PASSWORD, name: "New" },
    }),
  },
  "users.listUsers": {
    expect: staffOnly(200),
    ask: ({ owner }) => ({ path: "/users", query: { q: owner.email, limit: "1" } }),
    check: (body: { items: { id: string }[] }, { owner }) => assert.equal(body.items[0]?.id, owner.id),
  },
  "users.getUser": {
    expect: staffOnly(200),
    ask: ({ owner }) => ({ path: `/users/${owner.id}` }),
    check: (body: { id: string }, { owner }) => assert.equal(body.id, owner.id),
  },
  "users.changeUser": {
    expect: staffOnly(200),
    ask: ({ owner }) => ({ path: `/users/${owner.id}`, body: { blocked: false } }),
  },
  "users.eraseUser": {
    expect: staffOnly(204),
    ask: async ({ shop }) => ({ path: `/users/${(await signUp(shop.http)).id}` }),
  },
  "users.inviteUser": {
    expect: adminsOnly(201),
    key: 403,
    ask: async (world) => ({
      path: "/users/invitations",
      body: { email: email(), name: "New", roles: [await emptyRole(world)] },
    }),
  },
  "users.listRoles": { expect: adminsOnly(200), ask: () => ({ path: "/roles" }) },
  "users.createRole": {
    expect: adminsOnly(201),
    key: 403,
    ask: () => ({ path: "/roles", body: { name: `role-${newId()}`.slice(0, 40), scopes: [] } }),
  },
  "users.replaceRole": {
    expect: adminsOnly(200),
    key: 403,
    ask: async (world) => ({ path: `/roles/${await emptyRole(world)}`, body: { scopes: [] } }),
  },
  "users.removeRole": {
    expect: adminsOnly(204),
    ask: async (world) => ({ path: `/roles/${await emptyRole(world)}` }),
  },
  "users.listApiKeys": {
    expect: adminsOnly(200),
    ask: () => ({ path: "/api-keys", query: { limit: "1" } }),
  },
  "users.createApiKey": {
    expect: adminsOnly(201),
    key: 403,
    ask: () => ({ path: "/api-keys", body: { name: "Machine", scopes: ["staff:write"] } }),
  },
  "users.revokeApiKey": {
    expect: adminsOnly(204),
    ask: async ({ admin }) => {
      const body = { name: "Machine", scopes: ["staff:write"] };
      const { id } = await admin.http.expect<{ id: string }>(201, "POST", "/api-keys", { body });
      return { path: `/api-keys/${id}` };
    },
  },
  "users.register": {
    expect: everyone(201),
    ask: () => ({ path: "/auth/register", body: { email: email(), password: PASSWORD, name: "New" } }),
    check: (body: { user: { roles: string[] } }) => assert.deepEqual(body.user.roles, ["customer"]),
  },
  "users.login": {
    expect: everyone(200),
    ask: ({ owner }) => ({ path: "/auth/login", body: { email: owner.email, password: PASSWORD } }),
    check: (body: { user: { id: string } }, { owner }) => assert.equal(body.user.id, owner.id),
  },
  "users.refresh": {
    expect: everyone(200),
    ask: async (world) => ({ path: "/auth/refresh", body: { refreshToken: await refreshToken(world) } }),
    check: (body: { user: { id: string } }, { owner }) => assert.equal(body.user.id, owner.id),
  },
  "users.logout": {
    expect: everyone(204),
    ask: async (world) => ({ path: "/auth/logout", body: { refreshToken: await refreshToken(world) } }),
  },
  "users.forgotPassword": {
    expect: everyone(202),
    ask: ({ owner }) => ({ path: "/auth/password/forgot", body: { email: owner.email } }),
  },
  "users.resetPassword": {
    // The token goes by mail only.
    expect: everyone(401),
    ask: () => ({ path: "/auth/password/reset", body: { token: "x".repeat(43), password: PASSWORD } }),
  },
  "users.loginTotp": {
    // There is no such ticket.
    expect: everyone(401),
    ask: () => ({ path: "/auth/login/totp", body: { ticket: "x".repeat(43), code: "123456" } }),
  },
  // There is no provider in this shop.
  "users.beginElsewhere": {
    expect: everyone(403),
    ask: () => ({ path: `/auth/oidc/google?challenge=${"x".repeat(43)}` }),
  },
  "users.returnFromElsewhere": {
    expect: everyone(403),
    ask: () => ({ path: "/auth/oidc/google/callback?code=x&state=y" }),
  },
  "users.loginElsewhere": {
    expect: everyone(401),
    ask: () => ({ path: "/auth/oidc/token", body: { code: "x".repeat(43), verifier: "y".repeat(43) } }),
  },
  "users.beginTotp": {
    expect: signedIn(200),
    ask: () => ({ path: "/users/me/totp", body: { currentPassword: PASSWORD } }),
  },
  "users.confirmTotp": {
    // A wrong code.
    expect: signedIn(403),
    ask: async (world, caller) => {
      const body = { currentPassword: PASSWORD };
      if (caller !== "guest") await world[caller].http.expect(200, "POST", "/users/me/totp", { body });
      return { path: "/users/me/totp/confirm", body: { code: "no-code" } };
    },
  },
  // There is nothing to switch off.
  "users.disableTotp": {
    expect: signedIn(409),
    ask: () => ({ path: "/users/me/totp/disable", body: { currentPassword: PASSWORD, code: "123456" } }),
  },
  // The tokens of these go by mail only.
  "users.verifyEmail": {
    expect: everyone(401),
    ask: () => ({ path: "/auth/email/verify", body: { token: "x".repeat(43) } }),
  },
  "users.confirmEmailChange": {
    expect: everyone(401),
    ask: () => ({ path: "/auth/email/change", body: { token: "x".repeat(43) } }),
  },
  "users.cancelEmailChange": {
    expect: everyone(401),
    ask: () => ({ path: "/auth/email/change/cancel", body: { token: "x".repeat(43) } }),
  },
  "users.requestVerification": {
    expect: everyone(202),
    ask: ({ owner }) => ({ path: "/auth/email/verification", body: { email: owner.email } }),
  },
  "users.requestEmailChange": {
    expect: signedIn(202),
    ask: () => ({ path: "/users/me/email", body: { email: email(), currentPassword: PASSWORD } }),
  },
  "users.bootstrap": {
    // There is an admin already.
    expect: everyone(409),
    ask: () => ({
      path: "/auth/bootstrap",
      body: { token: "bootstrap-token-for-tests", email: email(), password: PASSWORD, name: "Boss" },
    }),
  },
  "users.me": {
    expect: signedIn(200),
    ask: () => ({ path: "/users/me" }),
    check: (body: { id: string }, world, caller) =>
      assert.equal(body.id, world[caller as Exclude<Caller, "guest">].id),
  },
  "users.updateMe": {
    expect: signedIn(200),
    ask: () => ({ path: "/users/me", body: { name: "Renamed" } }),
    check: (body: { id: string }, world, caller) =>
      assert.equal(body.id, world[caller as Exclude<Caller, "guest">].id),
  },
  "users.changePassword": {
    expect: signedIn(204),
    // To the same one: others of these tests sign in with it.
    ask: () => ({ path: "/users/me/password", body: { currentPassword: PASSWORD, password: PASSWORD } }),
  },
  "users.listSessions": {
    expect: signedIn(200),
    ask: () => ({ path: "/users/me/sessions" }),
    check: (body: { items: { current: boolean }[] }) =>
      assert.equal(body.items.filter((it) => it.current).length, 1),
  },
  "users.endSession": {
    expect: ownerAlone(204),
    ask: async (world) => ({ path: `/users/me/sessions/${await anotherSession(world)}` }),
  },
  "users.listAddresses": {
    expect: signedIn(200),
    ask: async (world) => {
      await savedAddress(world);
      return { path: "/users/me/addresses" };
    },
    check: (body: { items: unknown[] }, _world, caller) =>
      assert.equal(body.items.length > 0, caller === "owner"),
  },
  "users.addAddress": {
    expect: signedIn(201),
    ask: () => ({
      path: "/users/me/addresses",
      body: { ...home, line2: "At the back", region: "IL", phone: "+1 202 555 0100" },
    }),
  },
  "users.replaceAddress": {
    expect: ownerAlone(200),
    ask: async (world) => ({
      path: `/users/me/addresses/${(await savedAddress(world)).id}`,
      body: { ...home },
    }),
  },
  "users.removeAddress": {
    expect: ownerAlone(204),
    ask: async (world) => ({ path: `/users/me/addresses/${(await savedAddress(world)).id}` }),
  },
};
