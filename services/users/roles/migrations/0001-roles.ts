import type { Migration } from "../../../../broker/mongo/migrations.ts";
import { DEFAULT_ROLES } from "../default-roles.ts";
import type { StaffRole } from "../role.model.ts";

/** Roles to begin with, and indexes for lists of accounts by role. Roles that are there already stay. */
const migration: Migration = {
  async up(db) {
    const roles = db.collection<StaffRole>("roles");
    for (const [name, { description, scopes }] of Object.entries(DEFAULT_ROLES))
      await roles.updateOne(
        { _id: name },
        { $setOnInsert: { description, scopes: [...scopes], updatedAt: new Date() } },
        { upsert: true },
      );
    await db.collection("accounts").createIndexes([
      { name: "roles", key: { roles: 1, _id: -1 } },
      { name: "staff_roles", key: { staffRoles: 1, _id: -1 }, sparse: true },
    ]);
  },
  async down(db) {
    for (const name of ["roles", "staff_roles"]) await db.collection("accounts").dropIndex(name);
    await db.collection("roles").drop();
  },
};

export default migration;
