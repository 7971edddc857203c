/** Versioned, reversible, locked changes of a service's database, mainly indexes. */

import { glob, readdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Connection } from "mongoose";
import type { Clock } from "../resilience/clock.ts";
import { withLease } from "./lease.ts";

type Renew = () => Promise<void>;

/** Default export of `migrations/NNNN-<what>.ts`; runs once per database. */
export interface Migration {
  /** @param renew keeps other nodes waiting: called at least twice a minute by one that takes longer */
  up(db: Connection, renew: Renew): Promise<void>;
  down(db: Connection, renew: Renew): Promise<void>;
  /** Names by which earlier versions recorded it: a database that has one of them has this migration. */
  readonly formerly?: readonly string[];
}

export interface NamedMigration extends Migration {
  readonly name: string;
}

/** A folder with files `NNNN-<what>.ts`, applied in the order of their names. */
export interface MigrationFolder {
  readonly folder: URL;
  /**
   * Goes before the names, as in `loyalty/0001-points`. A service's own migrations have none; whoever else keeps data in
   * its database has one.
   */
  readonly namespace?: string;
  /**
   * The folder is a service's own: it may be missing. `migrations/` folders in its subfolders count too, in the
   * namespace of their subfolder, as in `mpesa/0001-pushes`.
   */
  readonly nested?: boolean;
}

/** Where migrations of a service's database come from. */
export type MigrationSource = URL | MigrationFolder | NamedMigration;

export interface MigrationStatus {
  name: string;
  appliedAt: Date | null;
}

const COLLECTION = "migrations";
const LOCK = "lock";
/** The lock expires after this time if its holder has crashed. Longer migrations renew it step by step. */
const LEASE_MS = 60_000;

interface Applied {
  _id: string;
  appliedAt?: Date;
}

/**
 * The migrations of all sources, in the order in which they are applied.
 * @throws when two have the same name, or a folder is not there
 */
export async function migrationsOf(sources: readonly MigrationSource[] = []): Promise<NamedMigration[]> {
  const all = (await Promise.all(sources.map(readSource))).flat();
  const names = all.flatMap(namesOf);
  const twice = names.find((name, at) => names.indexOf(name) < at);
  if (twice !== undefined) throw new Error(`there are two migrations ${twice}`);
  return all;
}

/** The source with a namespace, where it has none yet. */
export function inNamespace(namespace: string, source: MigrationSource): MigrationSource {
  if (source instanceof URL) return { folder: source, namespace };
  if ("folder" in source) return { namespace, ...source };
  return source.name.includes("/") ? source : { ...source, name: `${namespace}/${source.name}` };
}

async function readSource(source: MigrationSource): Promise<NamedMigration[]> {
  if (source instanceof URL) return readFolder(source, "");
  if (!("folder" in source)) return [source];
  const { folder, namespace, nested } = source;
  const prefix = namespace === undefined ? "" : `${namespace}/`;
  if (!nested) return readFolder(folder, prefix);
  const service = new URL("../", folder);
  const found = await Array.fromAsync(glob("**/migrations", { cwd: fileURLToPath(service) }));
  // "migrations" has no room: it sorts before "providers/mpesa/migrations", whose room is mpesa.
  const inner = found.sort((a, b) => a.split("/").length - b.split("/").length || (a < b ? -1 : 1));
  const all = inner.map((path) => {
    const room = path.split("/").at(-2);
    return readFolder(new URL(`${path}/`, service), room === undefined ? prefix : `${prefix}${room}/`);
  });
  return (await Promise.all(all)).flat();
}

/** TypeScript, or JavaScript where the package was built. */
const FILE = /^(\d{4}-[^.]+)\.[jt]s$/;

async function readFolder(folder: URL, prefix: string): Promise<NamedMigration[]> {
  const files = (await readdir(folder)).filter((file) => FILE.test(file)).sort();
  return Promise.all(
    files.map(async (file) => {
      const { default: migration }: { default: Migration } = await import(new URL(file, folder).href);
      return { ...migration, name: prefix + file.replace(FILE, "$1") };
    }),
  );
}

/** All names by which it may have been recorded. */
const namesOf = ({ name, formerly = [] }: NamedMigration): string[] => [name, ...formerly];

/** Every migration with the time it was applied, or null. */
export async function migrationStatus(
  db: Connection,
  all: readonly NamedMigration[],
): Promise<MigrationStatus[]> {
  const applied = new Map((await records(db).find().toArray()).map((it) => [it._id, it.appliedAt]));
  return all.map((it) => ({
    name: it.name,
    appliedAt:
      namesOf(it)
        .map((name) => applied.get(name))
        .find((at) => at !== undefined) ?? null,
  }));
}

/** Applies pending migrations, under a lock that other nodes wait for. @returns the names applied here */
export function migrateUp(
  db: Connection,
  all: readonly NamedMigration[],
  by: string,
  clock: Clock,
): Promise<string[]> {
  return locked(db, by, clock, async (renew) => {
    const done: string[] = [];
    for (const { name, appliedAt } of await migrationStatus(db, all)) {
      if (appliedAt) continue;
      await renew();
      await all.find((it) => it.name === name)?.up(db, renew);
      await records(db).insertOne({ _id: name, appliedAt: new Date(clock.now()) });
      done.push(name);
    }
    return done;
  });
}

/**
 * Reverts the migration that was applied last. Those of one namespace are reverted in the reverse order of their names.
 * @returns its name, or null when there is none
 */
export function migrateDown(
  db: Connection,
  all: readonly NamedMigration[],
  by: string,
  clock: Clock,
): Promise<string | null> {
  return locked(db, by, clock, async (renew) => {
    const last = appliedLast(await migrationStatus(db, all));
    const migration = all.find((it) => it.name === last);
    if (!migration) return null;
    await migration.down(db, renew);
    await records(db).deleteMany({ _id: { $in: namesOf(migration) } });
    return migration.name;
  });
}

/** Of each namespace the last one counts, whatever its time: the clocks of nodes differ. */
function appliedLast(all: readonly MigrationStatus[]): string | undefined {
  const lasts = new Map<string, { name: string; at: number }>();
  for (const { name, appliedAt } of all)
    if (appliedAt) lasts.set(name.slice(0, name.indexOf("/") + 1), { name, at: appliedAt.getTime() });
  return [...lasts.values()].reduce<{ name: string; at: number } | undefined>(
    (newest, it) => (newest && newest.at > it.at ? newest : it),
    undefined,
  )?.name;
}

const records = (db: Connection) => db.collection<Applied>(COLLECTION);

/** Runs `work` under the lock of the database's migrations. Other nodes wait for it. */
const locked = <T>(
  database: Connection,
  holder: string,
  clock: Clock,
  work: (renew: Renew) => Promise<T>,
): Promise<T> =>
  withLease(
    { database, collection: COLLECTION, id: LOCK, holder, clock, leaseMs: LEASE_MS, pollMs: 100 },
    work,
  );
