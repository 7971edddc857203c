/** Records of Idempotency-Keys, which adjustments of stock may have. */
import { dropIdempotencyIndexes, idempotencyIndexes } from "../../../broker/mongo/idempotency.ts";
import type { Migration } from "../../../broker/mongo/migrations.ts";

const migration: Migration = { up: idempotencyIndexes, down: dropIdempotencyIndexes };
export default migration;
