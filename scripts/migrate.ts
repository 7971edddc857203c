/** `npm run migrate -- up|down|status [service…]`: a service's database, one version at a time. */
import { randomUUID } from "node:crypto";
import { Argument } from "@commander-js/extra-typings";
import { serviceNames } from "../broker/moleculer/extension.ts";
import type { Database } from "../broker/mongo/database.ts";
import { migrateDown, migrateUp, migrationStatus, migrationsOf } from "../broker/mongo/migrations.ts";
import { systemClock } from "../broker/resilience/clock.ts";
import { commandOf, subcommand } from "./support/command.ts";
import { jobConfigOrExit, runJob } from "./support/job.ts";
import { openDatabase } from "./support/open-database.ts";
import { jobShopOrExit } from "./support/the-shop.ts";

const shop = await jobShopOrExit();

type Migrate = (database: Database, service: string) => Promise<string[]>;

const by = `migrate-${randomUUID()}`;

/** A service's database, and its migrations. */
const targetOf = async (database: Database, service: string) =>
  [database.service(service), await migrationsOf(shop.migrations[service])] as const;

const up: Migrate = async (database, service) => {
  const done = await migrateUp(...(await targetOf(database, service)), by, systemClock);
  return done.map((name) => `${service}: applied ${name}`);
};

const down: Migrate = async (database, service) => {
  const name = await migrateDown(...(await targetOf(database, service)), by, systemClock);
  return name ? [`${service}: reverted ${name}`] : [];
};

const status: Migrate = async (database, service) => {
  const all = await migrationStatus(...(await targetOf(database, service)));
  return all.map((it) => `${service}: ${it.name} ${it.appliedAt?.toISOString() ?? "pending"}`);
};

async function run(migrate: Migrate, services: readonly string[]): Promise<void> {
  const config = jobConfigOrExit(shop);
  await runJob(config, async () => {
    const { database, close } = await openDatabase(config, "migrate");
    try {
      const lines = [];
      for (const service of services) lines.push(...(await migrate(database, service)));
      console.log(lines.length > 0 ? lines.join("\n") : "nothing to do");
    } finally {
      await close();
    }
  });
}

const all = serviceNames(shop);
const some = new Argument("[service...]", "all where none is named").choices(all);
// Reverting every service at once is never intended.
const named = new Argument("<service...>").choices(all);

await commandOf("migrate", "Brings the services' databases from version to version.", [
  subcommand("up", "applies all migrations that are pending")
    .addArgument(some)
    .action((services) => run(up, services.length > 0 ? services : all)),
  subcommand("down", "reverts one migration of each named service")
    .addArgument(named)
    .action((services) => run(down, services)),
  subcommand("status", "tells which migrations were applied, and when")
    .addArgument(some)
    .action((services) => run(status, services.length > 0 ? services : all)),
]).parseAsync();
