/** Records of Idempotency-Keys, which adjustments of stock may come with. */
import { dropIdempotencyIndexes, idempotencyIndexes } from "../../../broker/middlewares/idempotency.ts";
import type { Migration } from "../../../broker/migrations.ts";

const migration: Migration = { up: idempotencyIndexes, down: dropIdempotencyIndexes };
export default migration;
