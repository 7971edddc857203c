/** `npm run souk -- reports rebuild`: counts the reports anew from the log of messages, also while the shop runs. */
import { randomUUID } from "node:crypto";
import { checkEnvelope } from "../broker/contract/envelope.ts";
import { withLease } from "../broker/mongo/lease.ts";
import { systemClock } from "../broker/resilience/clock.ts";
import { Blocks } from "../services/audit/log/blocks.ts";
import { PersonKeys } from "../services/audit/personal/keys.ts";
import { readMessages } from "../services/audit/reading/read-messages.ts";
import { type History, rebuildReports } from "../services/reports/generations/rebuild.ts";
import { batchModel, counterModel } from "../services/reports/models/counter.model.ts";
import { generationsModel } from "../services/reports/models/generations.model.ts";
import { orderRecordModel, stockOutModel } from "../services/reports/models/record.model.ts";
import { dayIn } from "../services/reports/stats/days.ts";
import { commandOf, subcommand } from "./support/command.ts";
import { jobConfigOrExit, runJob } from "./support/job.ts";
import { openDatabase } from "./support/open-database.ts";
import { jobShopOrExit } from "./support/the-shop.ts";

const shop = await jobShopOrExit();

const PAGE = 500;
/** A rebuild that was killed is over by then. */
const LEASE_MS = 60_000;

async function rebuild(): Promise<void> {
  const config = jobConfigOrExit(shop);
  await runJob(config, async () => {
    const { database, close } = await openDatabase(config, "reports");
    try {
      const [reports, audit] = [database.service("reports"), database.service("audit")];
      const log = { blocks: new Blocks(audit), keys: new PersonKeys(audit, systemClock) };
      const models = {
        orders: orderRecordModel.bind(reports),
        stockOuts: stockOutModel.bind(reports),
        counters: counterModel.bind(reports),
        batches: batchModel.bind(reports),
        generations: generationsModel.bind(reports),
      };
      const lease = {
        database: reports,
        collection: "leases",
        id: "rebuild",
        holder: randomUUID(),
        clock: systemClock,
        leaseMs: LEASE_MS,
        pollMs: 500,
        waitMs: 2 * LEASE_MS,
      };
      const { events, takenOver } = await withLease(lease, (renew) => {
        const history: History = {
          async read(after, types) {
            await renew();
            const page = await readMessages(log, { after, types: [...types], limit: PAGE });
            // Of an erased message nothing is left. Its record is taken over.
            const kept = page.messages.filter((it) => !it.erased);
            return { ...page, messages: kept.map((it) => checkEnvelope(it.message)) };
          },
        };
        const dayOf = dayIn(config.REPORTS_TIME_ZONE);
        return rebuildReports({ models, dayOf, taxRate: config.TAX_RATE, history });
      });
      console.log(`counted ${events} events anew; ${takenOver} records were known to the reports alone`);
    } finally {
      await close();
    }
  });
}

await commandOf("reports", "Counts the reports of the shop.", [
  subcommand("rebuild", "counts all anew from the log of messages, while the shop may run").action(rebuild),
]).parseAsync();
