/** Indexes of the inbox archive. */
import { createInboxArchive, dropInboxArchive } from "../../../broker/actor/runtime/document/actor-model.ts";
import type { Migration } from "../../../broker/mongo/migrations.ts";

const migration: Migration = {
  up: (db) => createInboxArchive(db, "payments"),
  down: (db) => dropInboxArchive(db, "payments"),
};
export default migration;
