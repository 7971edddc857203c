/** `npm run souk -- rebuild ratings`: derives data anew from what it was derived from. */
import { commandOf, subcommand } from "./support/command.ts";
import { jobConfigOrExit, runJob } from "./support/job.ts";
import { openDatabase } from "./support/open-database.ts";
import { createProgress } from "./support/progress.ts";
import { rebuildRatings } from "./support/rebuild-ratings.ts";
import { jobShopOrExit } from "./support/the-shop.ts";

const shop = await jobShopOrExit();

async function ratings(): Promise<void> {
  const config = jobConfigOrExit(shop);
  await runJob(config, async () => {
    const { database, close } = await openDatabase(config, "rebuild");
    try {
      const progress = createProgress("products");
      const databases = { reviews: database.service("reviews"), products: database.service("products") };
      const { looked, changed } = await rebuildRatings(databases, progress.report);
      progress.end();
      console.log(`counted the reviews of ${looked} products; ${changed} had another rating`);
    } finally {
      await close();
    }
  });
}

await commandOf("rebuild", "Derives data anew from what it was derived from.", [
  subcommand("ratings", "counts the ratings of products anew, from their reviews").action(ratings),
]).parseAsync();
