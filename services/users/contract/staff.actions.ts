/** Actions about people and staff, a part of the contract of users. */
import { z } from "zod";
import { action } from "../../../broker/contract/contract.ts";
import { cursor, email, id, limit, line, list, page, time } from "../../../broker/contract/schemas.ts";
import { scope, staffAct } from "./staff.messages.ts";

export const roleName = z
  .string()
  .max(40)
  .regex(/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/, "must be lower-case words joined by -")
  .meta({ description: "Name of a role", examples: ["support"] });
const scopes = z
  .array(scope)
  .max(100)
  .meta({ description: "What it may do", examples: [["orders:read"]] });
const roleNames = z
  .array(roleName)
  .max(20)
  .meta({ description: "Names of roles; `admin` may do everything", examples: [["support"]] });

const example = {
  id: "01941b10-0a11-7c20-8d31-5f2e9b7c4a10",
  email: "sam@example.com",
  name: "Sam Example",
  roles: ["support"],
  scopes: ["stock:write"],
  mayDo: ["orders:read", "stock:write"],
  blocked: false,
  invited: false,
  createdAt: "2026-11-27T09:30:00.000Z",
};
export const accountView = z
  .strictObject({
    id,
    email,
    name: z.string(),
    roles: z.array(z.string()).meta({
      description: "Names of roles. `staff` alone is an account of before roles. Customers have none",
    }),
    scopes: z.array(scope).meta({ description: "Beyond these roles" }),
    mayDo: z.array(scope).meta({ description: "All scopes that it has by both" }),
    blocked: z.boolean().meta({ description: "Whether it may not be used" }),
    invited: z.boolean().meta({ description: "Whether an invitation was not accepted yet" }),
    createdAt: time,
  })
  .meta({ id: "Account", description: "An account, as staff see it", examples: [example] });

export const roleView = z
  .strictObject({
    name: roleName,
    description: z.string(),
    scopes: z.array(scope),
    builtIn: z.boolean().meta({ description: "Whether it can't be changed: `admin`" }),
  })
  .meta({
    id: "StaffRole",
    description: "A named set of scopes",
    examples: [
      { name: "support", description: "Answers customers", scopes: ["orders:read"], builtIn: false },
    ],
  });
const roleDescription = line(200).meta({ examples: ["Answers customers"] });
const named = z.strictObject({ name: roleName });

export const staffActions = {
  listUsers: action({
    summary: "Accounts of customers and staff",
    description: "Newest first, or by e-mail address where `q` is given.",
    operationId: "listUsers",
    rest: "GET /users",
    auth: "staff",
    scope: "customers:read",
    params: z.strictObject({
      q: line(254)
        .optional()
        .meta({ description: "The beginning of the e-mail address", examples: ["ann@"] }),
      role: roleName.optional().meta({
        description: "Only those with it; `staff` for all members of staff",
        examples: ["support"],
      }),
      limit,
      cursor,
    }),
    returns: page(accountView),
  }),
  getUser: action({
    summary: "One account",
    operationId: "getUser",
    rest: "GET /users/:id",
    auth: "staff",
    scope: "customers:read",
    params: z.strictObject({ id: id.meta({ description: "Id of the user" }) }),
    returns: accountView,
    errors: ["NOT_FOUND"],
  }),
  changeUser: action({
    summary: "Change what an account may do, or block it",
    description:
      "What is not named stays. Members of staff, and rights, need the scope `staff:write` too. Nobody grants what they " +
      "have not, nor changes an account that may do more than they. The last admin stays one. It counts at once, for " +
      "signed-in users as well.",
    operationId: "changeUser",
    rest: "PATCH /users/:id",
    auth: "staff",
    scope: "customers:write",
    params: z
      .strictObject({
        id: id.meta({ description: "Id of the user" }),
        roles: roleNames.optional(),
        scopes: scopes.optional(),
        blocked: z.boolean().optional().meta({ description: "A blocked account's sessions and keys end" }),
      })
      .refine((it) => it.roles !== undefined || it.scopes !== undefined || it.blocked !== undefined, {
        path: ["roles"],
        message: "or scopes or blocked must be given",
      }),
    returns: accountView,
    errors: ["NOT_FOUND", "LAST_ADMIN", "CONFLICT"],
  }),
  eraseUser: action({
    summary: "Erase an account",
    description:
      "What the account keeps of the person goes, and its sessions and keys end. Each service erases its own on " +
      "`user.erased`. Members of staff need the scope `staff:write` too.",
    operationId: "eraseUser",
    rest: "DELETE /users/:id",
    auth: "staff",
    scope: "customers:write",
    params: z.strictObject({ id: id.meta({ description: "Id of the user" }) }),
    returns: z.void(),
    errors: ["NOT_FOUND", "LAST_ADMIN", "CONFLICT"],
  }),
  inviteUser: action({
    summary: "Invite somebody to the staff",
    description:
      "A mail has the link, which is good for seven days. Inviting the same address again sends another. What the " +
      "inviting member of staff may no longer grant by then is refused.",
    operationId: "inviteUser",
    rest: "POST /users/invitations",
    auth: "staff",
    scope: "staff:write",
    repeatable: "one more mail",
    status: 201,
    params: z.strictObject({
      email,
      name: line(120).meta({ examples: ["Sam Example"] }),
      roles: roleNames.min(1),
    }),
    returns: accountView,
    errors: ["EMAIL_TAKEN"],
  }),
  listRoles: action({
    summary: "Roles of the staff, and what they may do",
    operationId: "listRoles",
    rest: "GET /roles",
    auth: "staff",
    scope: "staff:read",
    params: z.strictObject({}),
    returns: list(roleView),
  }),
  createRole: action({
    summary: "Make a role",
    description: "Up to 100. Nobody puts a scope into a role who has not got it.",
    operationId: "createRole",
    rest: "POST /roles",
    auth: "staff",
    scope: "staff:write",
    repeatable: "the name is taken then",
    status: 201,
    params: named.extend({ description: roleDescription.optional(), scopes }),
    returns: roleView,
    errors: ["ROLE_TAKEN", "CONFLICT"],
  }),
  replaceRole: action({
    summary: "Change what a role may do",
    description: "It counts at once for everybody who has it.",
    operationId: "replaceRole",
    rest: "PUT /roles/:name",
    auth: "staff",
    scope: "staff:write",
    params: named.extend({ description: roleDescription.optional(), scopes }),
    returns: roleView,
    errors: ["NOT_FOUND", "CONFLICT"],
  }),
  removeRole: action({
    summary: "Remove a role that nobody has",
    operationId: "removeRole",
    rest: "DELETE /roles/:name",
    auth: "staff",
    scope: "staff:write",
    params: named,
    returns: z.void(),
    errors: ["NOT_FOUND", "ROLE_IN_USE"],
  }),
  staffAttempted: action({
    summary: "Staff or a key is about to change something; gateways tell it before they call the action",
    readOnly: true,
    params: z.strictObject({ id, act: staffAct }),
    returns: z.void(),
  }),
  staffActed: action({
    summary: "How that ended, by the status of the answer; also of a request that was refused",
    readOnly: true,
    params: z.strictObject({ id, act: staffAct, status: z.int() }),
    returns: z.void(),
  }),
};
