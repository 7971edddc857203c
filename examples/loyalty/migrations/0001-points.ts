/** Indexes of the points of customers, and of the records of Idempotency-Keys. */
import {
  createActorIndexes,
  createInboxArchive,
  dropActorIndexes,
  dropIdempotencyIndexes,
  dropInboxArchive,
  idempotencyIndexes,
  type Migration,
} from "souk";

const migration: Migration = {
  async up(db) {
    await createActorIndexes(db, "points");
    await createInboxArchive(db, "points");
    await idempotencyIndexes(db);
  },
  async down(db) {
    await dropIdempotencyIndexes(db);
    await dropInboxArchive(db, "points");
    await dropActorIndexes(db, "points");
  },
};
export default migration;
