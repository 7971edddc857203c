/** `npm run seed [-- --count 1000]`: fills the shop with a demo catalogue and its stock. */
import { randomUUID } from "node:crypto";
import { parseArgs } from "node:util";
import { migrateUp, migrationsOf } from "../broker/mongo/migrations.ts";
import { systemClock } from "../broker/resilience/clock.ts";
import core from "../services/index.ts";
import { jobConfigOrExit, runJob } from "./support/job.ts";
import { openDatabase } from "./support/open-database.ts";
import { createProgress } from "./support/progress.ts";
import { seedCatalogue } from "./support/seed-catalogue.ts";

const MAX_COUNT = 1_000_000;

function countOrExit(): number {
  try {
    const { values } = parseArgs({ options: { count: { type: "string", default: "1000" } } });
    const count = Number(values.count);
    if (Number.isInteger(count) && count >= 1 && count <= MAX_COUNT) return count;
    console.error(`--count: must be a whole number from 1 to ${MAX_COUNT}`);
  } catch (error) {
    console.error((error as Error).message);
  }
  console.error("usage: npm run seed [-- --count 1000]");
  process.exit(2);
}

const count = countOrExit();
const config = jobConfigOrExit();
await runJob(config, async () => {
  const { database, close } = await openDatabase(config, "seed");
  try {
    const by = `seed-${randomUUID()}`;
    for (const service of ["products", "inventory"])
      await migrateUp(
        database.service(service),
        await migrationsOf(core.migrations[service]),
        by,
        systemClock,
      );
    const progress = createProgress("products");
    const { products, stockItems } = await seedCatalogue({
      products: database.service("products"),
      inventory: database.service("inventory"),
      count,
      currency: config.CURRENCY,
      onProgress: progress.report,
    });
    progress.end();
    console.log(
      `added ${products} products and ${stockItems} stock items; ${count - products} were there already`,
    );
  } finally {
    await close();
  }
});
