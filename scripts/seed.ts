/** `npm run seed [-- --count 1000]`: fills the shop with a demo catalogue and its stock. */
import { randomUUID } from "node:crypto";
import { migrateUp, migrationsOf } from "../broker/mongo/migrations.ts";
import { systemClock } from "../broker/resilience/clock.ts";
import { seedCatalogue } from "./support/catalogue/seed-catalogue.ts";
import { command, wholeNumber } from "./support/command.ts";
import { jobConfigOrExit, runJob } from "./support/job.ts";
import { openDatabase } from "./support/open-database.ts";
import { createProgress } from "./support/progress.ts";
import { jobShopOrExit } from "./support/the-shop.ts";

const shop = await jobShopOrExit();

const MAX_COUNT = 1_000_000;

const { count } = command(
  "seed",
  "Fills the shop with a demo catalogue and its stock. Run again, it adds only what is missing.",
)
  .option("--count <n>", "products that the shop has afterwards", wholeNumber(1, MAX_COUNT), 1_000)
  .parse()
  .opts();
const config = jobConfigOrExit(shop);
await runJob(config, async () => {
  const { database, close } = await openDatabase(config, "seed");
  try {
    const by = `seed-${randomUUID()}`;
    for (const service of ["products", "inventory"])
      await migrateUp(
        database.service(service),
        await migrationsOf(shop.migrations[service]),
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
