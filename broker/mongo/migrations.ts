/** Versioned, reversible, locked changes of a service's database: indexes first of all. */

import { existsSync, readdirSync } from "node:fs";
import { basename, extname } from "node:path";
import type { Connection } from "mongoose";
import type { Clock } from "../resilience/clock.ts";
import { isDuplicateKey } from "./duplicate-key.ts";

/** Default export of `services/<domain>/migrations/NNNN-<what>.ts`; runs once per database, in order of file name. */
export interface Migration {
  up(db: Connection): Promise<void>;
  down(db: Connection): Promise<void>;
}

export interface NamedMigration extends Migration {
  readonly name: string;
}

export interface MigrationStatus {
  name: string;
  appliedAt: Date | null;
}

const COLLECTION = "migrations";
const LOCK = "lock";
/** A holder that died keeps others waiting no longer than this. Longer migrations renew it step by step. */
const LEASE_MS = 60_000;

interface Applied {
  _id: string;
  appliedAt?: Date;
  holder?: string;
  until?: Date;
}

/** The migrations in these folders, sorted by file name. A folder that is not there has none. @throws on a name in two of them */
export async function migrationsOf(folders: readonly URL[] = []): Promise<NamedMigration[]> {
  const files = folders.filter((it) => existsSync(it)).flatMap(migrationFiles);
  const found = await Promise.all(
    files.map(async (file) => {
      const { default: migration }: { default: Migration } = await import(file.href);
      return {
        name: basename(file.pathname, extname(file.pathname)),
        up: migration.up,
        down: migration.down,
      };
    }),
  );
  found.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const [n, { name }] of found.entries())
    if (name === found[n + 1]?.name) throw new Error(`there are two migrations ${name}`);
  return found;
}

const migrationFiles = (folder: URL): URL[] =>
  readdirSync(folder)
    .filter((file) => /^\d{4}-[^.]+\.[jt]s$/.test(file))
    .map((file) => new URL(file, folder));

/** Every migration with the time it was applied, or null. */
export async function migrationStatus(
  db: Connection,
  all: readonly NamedMigration[],
): Promise<MigrationStatus[]> {
  const applied = new Map((await records(db).find().toArray()).map((it) => [it._id, it.appliedAt ?? null]));
  return all.map(({ name }) => ({ name, appliedAt: applied.get(name) ?? null }));
}

/** Applies what is pending, under a lock that other nodes wait for. @returns the names applied here */
export function migrateUp(
  db: Connection,
  all: readonly NamedMigration[],
  by: string,
  clock: Clock,
): Promise<string[]> {
  return locked(db, by, clock, async () => {
    const done: string[] = [];
    for (const { name, appliedAt } of await migrationStatus(db, all)) {
      if (appliedAt) continue;
      await renew(db, by, clock);
      await all.find((it) => it.name === name)?.up(db);
      await records(db).insertOne({ _id: name, appliedAt: new Date(clock.now()) });
      done.push(name);
    }
    return done;
  });
}

/** Reverts the last applied migration. @returns its name, or null when there is none */
export function migrateDown(
  db: Connection,
  all: readonly NamedMigration[],
  by: string,
  clock: Clock,
): Promise<string | null> {
  return locked(db, by, clock, async () => {
    const last = (await migrationStatus(db, all)).findLast((it) => it.appliedAt);
    if (!last) return null;
    await all.find((it) => it.name === last.name)?.down(db);
    await records(db).deleteOne({ _id: last.name });
    return last.name;
  });
}

const records = (db: Connection) => db.collection<Applied>(COLLECTION);

async function locked<T>(db: Connection, by: string, clock: Clock, work: () => Promise<T>): Promise<T> {
  while (!(await acquire(db, by, clock))) await new Promise((resolve) => setTimeout(resolve, 100));
  try {
    return await work();
  } finally {
    await records(db).deleteOne({ _id: LOCK, holder: by });
  }
}

async function acquire(db: Connection, by: string, clock: Clock): Promise<boolean> {
  const now = clock.now();
  try {
    const { matchedCount, upsertedCount } = await records(db).updateOne(
      { _id: LOCK, until: { $lt: new Date(now) } },
      { $set: { holder: by, until: new Date(now + LEASE_MS) } },
      { upsert: true },
    );
    return matchedCount + upsertedCount === 1;
  } catch (error) {
    if (isDuplicateKey(error)) return false;
    throw error;
  }
}

async function renew(db: Connection, by: string, clock: Clock): Promise<void> {
  const { matchedCount } = await records(db).updateOne(
    { _id: LOCK, holder: by },
    { $set: { until: new Date(clock.now() + LEASE_MS) } },
  );
  if (matchedCount === 0) throw new Error("the migration lock was taken over: a step took too long");
}
