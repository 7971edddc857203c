/** What a service's database needs for what its contract declares, as migrations before the service's own. */
import {
  createActorIndexes,
  createInboxArchive,
  dropActorIndexes,
  dropInboxArchive,
} from "../actor/runtime/document/actor-model.ts";
import type { ServiceContract } from "../contract/contract.ts";
import { dropIdempotencyIndexes, idempotencyIndexes } from "../mongo/idempotency.ts";
import type { NamedMigration } from "../mongo/migrations.ts";

/**
 * Collections and indexes of actors and of idempotency keys. Databases of earlier releases have them by other migrations.
 * There `up` changes nothing.
 */
export function contractMigrations({ actors, actions }: ServiceContract): NamedMigration[] {
  const ofActors = Object.entries(actors).map(([type, { collection = type }]) => ({
    name: `actor-${type}`,
    async up(db) {
      await createActorIndexes(db, collection);
      await createInboxArchive(db, collection);
    },
    async down(db) {
      await dropInboxArchive(db, collection);
      await dropActorIndexes(db, collection);
    },
  })) satisfies NamedMigration[];
  const keys: NamedMigration = {
    name: "idempotency-keys",
    up: idempotencyIndexes,
    down: dropIdempotencyIndexes,
  };
  return Object.values(actions).some((it) => it.idempotent) ? [...ofActors, keys] : ofActors;
}
