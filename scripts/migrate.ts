/** `npm run migrate -- up|down|status [service…]`: a service's database, one version at a time. */
import { randomUUID } from "node:crypto";
import { serviceNames } from "../broker/moleculer/extension.ts";
import type { Database } from "../broker/mongo/database.ts";
import { migrateDown, migrateUp, migrationStatus, migrationsOf } from "../broker/mongo/migrations.ts";
import { systemClock } from "../broker/resilience/clock.ts";
import core from "../services/index.ts";
import { jobConfigOrExit, runJob } from "./support/job.ts";
import { openDatabase } from "./support/open-database.ts";

const USAGE = "usage: npm run migrate -- up|down|status [service…]";

type Command = (database: Database, service: string) => Promise<string[]>;

const by = `migrate-${randomUUID()}`;
const commands: Record<string, Command> = {
  async up(database, service) {
    const done = await migrateUp(
      database.service(service),
      await migrationsOf(core.migrations[service]),
      by,
      systemClock,
    );
    return done.map((name) => `${service}: applied ${name}`);
  },
  async down(database, service) {
    const name = await migrateDown(
      database.service(service),
      await migrationsOf(core.migrations[service]),
      by,
      systemClock,
    );
    return name ? [`${service}: reverted ${name}`] : [];
  },
  async status(database, service) {
    const all = await migrationStatus(
      database.service(service),
      await migrationsOf(core.migrations[service]),
    );
    return all.map((it) => `${service}: ${it.name} ${it.appliedAt?.toISOString() ?? "pending"}`);
  },
};

const [verb = "", ...named] = process.argv.slice(2);
const run = commands[verb];
const unknown = named.find((name) => !serviceNames(core).includes(name));
if (!run || unknown) {
  console.error(
    unknown ? `there is no service ${unknown}; there are ${serviceNames(core).join(", ")}` : USAGE,
  );
  process.exit(2);
}
// Reverting every service at once is never what one means.
if (verb === "down" && named.length === 0) {
  console.error("down reverts one migration of the services that you name");
  process.exit(2);
}

const config = jobConfigOrExit();
await runJob(config, async () => {
  const { database, close } = await openDatabase(config, "migrate");
  try {
    const lines = [];
    for (const service of named.length > 0 ? named : serviceNames(core))
      lines.push(...(await run(database, service)));
    console.log(lines.length > 0 ? lines.join("\n") : "nothing to do");
  } finally {
    await close();
  }
});
