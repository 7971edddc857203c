/** Figures of the shop, counted from its events. */
import { defineService } from "../../broker/moleculer/define-service.ts";
import { createSingleFlightCache } from "../../broker/resilience/single-flight-cache.ts";
import { mongo } from "../../mixins/mongo.ts";
import { workers } from "../../mixins/workers.ts";
import { createCounting } from "./counters/count-in-background.ts";
import { countAll } from "./counters/count-records.ts";
import { batchModel, counterModel } from "./models/counter.model.ts";
import { generationsModel, generationsReader, written } from "./models/generations.model.ts";
import { orderRecordModel, stockOutModel } from "./models/record.model.ts";
import { createRecorder } from "./records/recorder.ts";
import { readRelated } from "./related/read-related.ts";
import { reports } from "./reports.contract.ts";
import { dayIn, startOfDay } from "./stats/days.ts";
import { listStockOuts } from "./stats/list-stock-outs.ts";
import { readConversion } from "./stats/read-conversion.ts";
import { salesByDay, salesOf } from "./stats/read-sales.ts";

/** How long the products bought together with one are kept. A product that was taken off sale is seen as long. */
const RELATED_TTL_MS = 5_000;
const MAX_RELATED = 2_000;

type Related = Awaited<ReturnType<typeof readRelated>>;

export default defineService(reports, {
  mixins: [
    mongo({
      orders: orderRecordModel,
      stockOuts: stockOutModel,
      counters: counterModel,
      batches: batchModel,
      generations: generationsModel,
    }),
    workers(),
  ],

  setup({ models, config, logger, call }) {
    const readGenerations = generationsReader(models.generations);
    const dayOf = dayIn(config.REPORTS_TIME_ZONE);
    const tools = { models, dayOf };
    const counting = createCounting(async () => {
      for (const it of written(await readGenerations())) await countAll(tools, it);
    }, logger);
    return {
      dayOf,
      counting,
      record: createRecorder(models, readGenerations, config.TAX_RATE),
      relatedProducts: createSingleFlightCache<Related>(RELATED_TTL_MS, MAX_RELATED),
      relatedTools: {
        counters: models.counters,
        call,
        generation: async () => (await readGenerations()).live,
      },
      /** The generation to show, with all that was recorded. */
      async counted(): Promise<number> {
        const { live } = await readGenerations();
        await countAll(tools, live);
        return live;
      },
    };
  },

  actions: {
    async sales({ params: { by, ...asked } }) {
      const generation = await this.counted();
      return by === "day"
        ? salesByDay(this.models.counters, generation, asked)
        : salesOf(this.models.counters, generation, by, asked, "gross");
    },

    async products({ params }) {
      return salesOf(this.models.counters, await this.counted(), "product", params, "units");
    },

    async stockOuts({ params }) {
      const generation = await this.relatedTools.generation();
      return listStockOuts(this.models.stockOuts, generation, params, (day) => startOfDay(this.dayOf, day));
    },

    async conversion({ params }) {
      return readConversion(this.models.counters, await this.counted(), params);
    },

    async related({ params: { id, limit } }) {
      const key = `${limit} ${id}`;
      const items = await this.relatedProducts.get(key, () => readRelated(this.relatedTools, id, limit));
      return { items, nextCursor: null };
    },
  },

  workers: {
    async record(message) {
      await this.record(message);
      this.counting.soon();
    },
  },

  started() {
    this.counting.start();
  },

  stopped() {
    return this.counting.stop();
  },
});
