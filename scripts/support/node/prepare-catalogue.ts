/**
 * Migrates the databases of the catalogue and fills an empty one. `npm run cluster` runs this as a process before its
 * nodes, so that the memory for it is free afterwards. MONGO_URL names the store.
 */
import { migrateUp, migrationsOf } from "../../../broker/mongo/migrations.ts";
import { systemClock } from "../../../broker/resilience/clock.ts";
import { runJob } from "../job.ts";
import { openDatabase } from "../open-database.ts";
import { shopOrExit } from "../the-shop.ts";
import { seedIfEmpty } from "./first-start.ts";
import { configOrExit } from "./run-node.ts";

const shop = await shopOrExit();
const config = configOrExit(shop);

// Nobody misses it when the cluster is stopped meanwhile. The next start goes on.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(0));

await runJob(config, async () => {
  const { database, close } = await openDatabase(config, "cluster");
  try {
    for (const service of ["products", "inventory"])
      await migrateUp(
        database.service(service),
        await migrationsOf(shop.migrations[service]),
        `cluster-${process.pid}`,
        systemClock,
      );
    await seedIfEmpty(config, database.service);
  } finally {
    await close();
  }
});
