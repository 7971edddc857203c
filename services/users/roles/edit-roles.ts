/** Roles: listed, made, changed and removed. A change is announced, so that gateways ask anew what their callers may do. */
import type { Model } from "mongoose";
import type { z } from "zod";
import { SoukError } from "../../../broker/contract/errors.ts";
import { EVERYBODY } from "../../../broker/http/access/live-answers.ts";
import { isDuplicateKey } from "../../../broker/mongo/duplicate-key.ts";
import type { Clock } from "../../../broker/resilience/clock.ts";
import type { roleView, staffActions } from "../contract/staff.actions.ts";
import type { Account } from "../models/account.model.ts";
import { ADMIN } from "./default-roles.ts";
import { type Actor, requireAll, requireKnown, requirePerson } from "./grant.ts";
import type { StaffRole } from "./role.model.ts";
import type { Roles } from "./roles.ts";

export interface RoleTools {
  roleModel: Model<StaffRole>;
  accounts: Model<Account>;
  roles: Roles;
  clock: Clock;
  changed(subject: string): void;
}

type RoleView = z.input<typeof roleView>;
type Wanted = z.output<typeof staffActions.createRole.params>;

export const MAX_ROLES = 100;
/** Names that mean something already. */
const RESERVED = ["customer", "staff", ADMIN];

export async function listRoles({ roleModel, roles }: RoleTools): Promise<RoleView[]> {
  const found = await roleModel.find().sort({ _id: 1 }).limit(MAX_ROLES).lean<StaffRole[]>();
  const admin = { name: ADMIN, description: "May do everything", scopes: [...roles.all], builtIn: true };
  return [admin, ...found.map(roleViewOf)];
}

/** @throws {SoukError} ROLE_TAKEN, FORBIDDEN, or CONFLICT for one role too many */
export async function createRole(tools: RoleTools, actor: Actor, wanted: Wanted): Promise<RoleView> {
  const { roleModel, roles, clock } = tools;
  const { name, description = "", scopes } = wanted;
  if (RESERVED.includes(name)) throw new SoukError("ROLE_TAKEN");
  requirePerson(actor);
  requireKnown(scopes, roles.all);
  requireAll(actor, scopes);
  if ((await roleModel.countDocuments()) >= MAX_ROLES)
    throw new SoukError("CONFLICT", `A shop has at most ${MAX_ROLES} roles.`);
  const role = { _id: name, description, scopes: distinct(scopes), updatedAt: new Date(clock.now()) };
  try {
    await roleModel.create(role);
  } catch (error) {
    if (isDuplicateKey(error)) throw new SoukError("ROLE_TAKEN");
    throw error;
  }
  return roleViewOf(role);
}

/** @throws {SoukError} NOT_FOUND, FORBIDDEN, or CONFLICT when somebody else changed it meanwhile */
export async function replaceRole(tools: RoleTools, actor: Actor, wanted: Wanted): Promise<RoleView> {
  const { roleModel, roles, clock, changed } = tools;
  const { name, description, scopes } = wanted;
  requirePerson(actor);
  const before = await requireRole(roleModel, name);
  // A role of before an extension left may keep its scopes.
  requireKnown(scopes, [...roles.all, ...before.scopes]);
  requireAll(actor, [...before.scopes, ...scopes]);
  const role = await roleModel
    .findOneAndUpdate(
      { _id: name, updatedAt: before.updatedAt, scopes: before.scopes },
      {
        $set: {
          scopes: distinct(scopes),
          updatedAt: new Date(clock.now()),
          ...(description === undefined ? {} : { description }),
        },
      },
      { returnDocument: "after" },
    )
    .lean<StaffRole>();
  if (!role) throw new SoukError("CONFLICT", "The role was changed by another request meanwhile.");
  changed(EVERYBODY);
  return roleViewOf(role);
}

/** @throws {SoukError} NOT_FOUND, FORBIDDEN or ROLE_IN_USE */
export async function removeRole(tools: RoleTools, actor: Actor, name: string): Promise<void> {
  const { roleModel, accounts, changed } = tools;
  const { scopes } = await requireRole(roleModel, name);
  requireAll(actor, scopes);
  if (await accounts.exists({ staffRoles: name })) throw new SoukError("ROLE_IN_USE");
  await roleModel.deleteOne({ _id: name });
  // Whoever got it in between has a role that grants nothing.
  changed(EVERYBODY);
}

/** `admin` is in no collection, so nobody can change it. */
async function requireRole(roleModel: Model<StaffRole>, name: string): Promise<StaffRole> {
  const role = await roleModel.findById(name).lean<StaffRole>();
  if (!role) throw new SoukError("NOT_FOUND", "There is no such role, or it can't be changed.");
  return role;
}

const distinct = <T extends string>(items: readonly T[]): T[] => [...new Set(items)].sort();

const roleViewOf = ({ _id, description, scopes }: StaffRole): RoleView => ({
  name: _id,
  description,
  scopes: [...scopes],
  builtIn: false,
});
