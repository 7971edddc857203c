/** The reports service alone: events in any order, repeated, with crashes in between, and while it is rebuilt. */
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { DataIn, MessageType } from "../../../broker/contract/contract.ts";
import { type Envelope, envelope } from "../../../broker/contract/envelope.ts";
import { derivedId, newId } from "../../../broker/contract/ids.ts";
import { countAll } from "../../../services/reports/counters/count-records.ts";
import { rebuildReports } from "../../../services/reports/generations/rebuild.ts";
import { batchModel, counterModel } from "../../../services/reports/models/counter.model.ts";
import { generationsModel } from "../../../services/reports/models/generations.model.ts";
import type { ReportModels } from "../../../services/reports/models/models.ts";
import { orderRecordModel, stockOutModel } from "../../../services/reports/models/record.model.ts";
import { reports } from "../../../services/reports/reports.contract.ts";
import service from "../../../services/reports/reports.service.ts";
import { dayIn } from "../../../services/reports/stats/days.ts";
import { anAddress } from "../../../souk/testing/address.ts";
import { seededRandom } from "../../support/seeded-random.ts";
import { type ServicesNode, startServices } from "../../support/shop/services-node.ts";

const PERIOD = { from: "2026-11-01", to: "2026-11-30" };
const DAY = "2026-11-27";
const at = (time: string, day = DAY) => `${day}T${time}.000Z`;
const usd = (amount: number) => ({ amount, currency: "USD" });

describe("the reports service", function () {
  this.timeout(10_000);
  let node: ServicesNode;
  let models: ReportModels;
  /** All that was sent, as the log of messages would have it. */
  let log: Envelope[];

  before(async () => {
    node = await startServices([service], { env: { TAX_RATE: "1600" }, contracts: [reports] });
    const database = node.runtime.database("reports");
    models = {
      orders: orderRecordModel.bind(database),
      stockOuts: stockOutModel.bind(database),
      counters: counterModel.bind(database),
      batches: batchModel.bind(database),
      generations: generationsModel.bind(database),
    };
  });
  beforeEach(async () => {
    log = [];
    for (const it of Object.values(models)) await it.deleteMany({});
  });
  after(() => node.close());

  const message = <T extends MessageType>(
    type: T,
    subject: string,
    data: DataIn<T>,
    time: string,
  ): Envelope =>
    envelope(type, subject, data, {
      source: "/test",
      at: Date.parse(time),
      id: derivedId(type, subject, time),
    });

  async function hear(...messages: readonly Envelope[]): Promise<void> {
    log.push(...messages);
    for (const it of messages) await node.runtime.bus.publish(it);
  }
  const lines = (totals: Record<string, number>) =>
    Object.entries(totals).map(([productId, total]) => ({
      sku: productId.slice(-8),
      productId,
      name: "Lamp",
      quantity: 1,
      unitPrice: usd(total),
      total: usd(total),
    }));

  const [lamp, tea] = [newId(), newId()];
  /** An order, and a refund of a part of it on the next day. */
  function story({ country = "KE", refund = 0 } = {}): Envelope[] {
    const [order, paymentId] = [newId(), newId()];
    const about = { number: "261127-7K2QF-M9DXA", customerId: newId() };
    return [
      message("order.placed", order, { ...about, total: usd(11_600) }, at("09:00:00")),
      message(
        "payment.captured",
        order,
        { paymentId, amount: usd(11_600), bookedAt: at("23:59:59") },
        at("00:00:01", "2026-11-28"),
      ),
      message(
        "order.paid",
        order,
        {
          ...about,
          lines: lines({ [lamp]: 8_000, [tea]: 3_600 }),
          total: usd(11_600),
          shippingAddress: anAddress({ country }),
          paymentId,
        },
        at("10:00:00"),
      ),
      ...(refund === 0
        ? []
        : [
            message(
              "payment.refunded",
              order,
              { paymentId, refundId: newId(), amount: usd(refund), full: false },
              at("10:00:00", "2026-11-28"),
            ),
          ]),
    ];
  }

  const sales = (by: "day" | "product" | "country", limit = 100, cursor?: string) =>
    node.call("reports.sales", { ...PERIOD, by, limit, ...(cursor ? { cursor } : {}) });

  it("counts sales by day, product and country", async () => {
    await hear(...story(), ...story({ country: "DE", refund: 1_160 }));
    const { items } = await sales("day");
    assert.deepEqual(
      items.map((it) => [
        it.day,
        it.orders,
        it.units,
        it.gross,
        it.tax,
        it.refunds,
        it.captured,
        it.refunded,
      ]),
      [
        [DAY, 2, 4, 23_200, 3_200, 0, 23_200, 0],
        ["2026-11-28", 0, 0, 0, 0, 1_160, 0, 1_160],
      ],
    );
    const byProduct = await sales("product");
    assert.deepEqual(
      byProduct.items.map((it) => [it.productId, it.name, it.orders, it.gross, it.refunds]),
      [
        [lamp, "Lamp", 2, 16_000, 800],
        [tea, "Lamp", 2, 7_200, 360],
      ],
    );
    const byCountry = await sales("country", 1);
    const next = await sales("country", 1, byCountry.nextCursor ?? "");
    assert.deepEqual(
      [...byCountry.items, ...next.items].map((it) => [it.country, it.gross, it.refunds]),
      [
        ["DE", 11_600, 1_160],
        ["KE", 11_600, 0],
      ],
    );
    assert.equal(next.nextCursor, null);
    assert.deepEqual((await node.call("reports.conversion", PERIOD)).items, [
      { day: DAY, placed: 2, paid: 2 },
    ]);
  });

  it("counts each event once, repeated and in any order, counted in between or not", async () => {
    const random = seededRandom(7);
    const all = Array.from({ length: 5 }, (_, n) => story({ refund: n * 100 })).flat();
    const twice = [...all, ...all]
      .map((it) => ({ it, at: random.next() }))
      .sort((a, b) => a.at - b.at)
      .map(({ it }) => it);
    for (const [n, it] of twice.entries()) {
      await hear(it);
      if (n % 4 === 0) await sales("day", 1);
    }
    const [first, second] = (await sales("day")).items;
    assert.deepEqual([first?.orders, first?.gross, first?.captured], [5, 58_000, 58_000]);
    assert.deepEqual([second?.refunds, second?.refunded], [1_000, 1_000]);
  });

  it("knows money of orders that were never paid, and no sale of them", async () => {
    const all = story({ refund: 11_600 }).filter((it) => it.type !== "order.paid");
    await hear(...all);
    const { items } = await sales("day");
    assert.deepEqual(
      items.map((it) => [it.orders, it.gross, it.refunds, it.captured, it.refunded]),
      [
        [0, 0, 0, 11_600, 0],
        [0, 0, 0, 0, 11_600],
      ],
    );
    assert.deepEqual((await sales("product")).items, []);
  });

  it("goes on after a crash between any two writes of a batch", async () => {
    const dayOf = dayIn("UTC");
    await hear(...story({ refund: 500 }));
    await sales("day");
    for (let writes = 0; writes < 5; writes++) {
      await hear(...story());
      await assert.rejects(countAll({ models: dyingAfter(models, writes), dayOf }, 1), /crashed/);
    }
    await Promise.all([sales("day"), sales("country"), sales("product")]);
    const [first] = (await sales("day")).items;
    assert.deepEqual([first?.orders, first?.gross, first?.tax], [6, 69_600, 9_600]);
  });

  it("tells when nothing of a SKU was available, whichever end is heard first", async () => {
    const sku = `LAMP ${newId()}/1`;
    await hear(
      message("stock.replenished", sku, { revision: 2 }, at("11:00:00")),
      message("stock.depleted", sku, { revision: 1 }, at("10:00:00")),
      message("stock.depleted", sku, { revision: 3 }, at("12:00:00")),
      message("stock.depleted", sku, { revision: 3 }, at("12:00:00")),
    );
    const first = await node.call("reports.stockOuts", { ...PERIOD, limit: 1 });
    const next = await node.call("reports.stockOuts", {
      ...PERIOD,
      limit: 1,
      cursor: first.nextCursor ?? "",
    });
    assert.deepEqual(
      [...first.items, ...next.items],
      [
        { sku, from: at("12:00:00"), until: null },
        { sku, from: at("10:00:00"), until: at("11:00:00") },
      ],
    );
  });

  const tools = (taxRate = 1_600) => ({
    models,
    dayOf: dayIn("UTC"),
    taxRate,
    history: {
      async read(after: string | null) {
        const from = Number(after ?? 0);
        const messages = log.slice(from, from + 4);
        const next = String(from + messages.length);
        await sleep(1);
        return { messages, next, more: from + messages.length < log.length };
      },
    },
  });

  it("is rebuilt from past events beside the live figures, while events go on arriving", async () => {
    const known = Array.from({ length: 6 }, () => story({ refund: 100 })).flat();
    await hear(...known);
    const before_ = await Promise.all([sales("day"), sales("product"), sales("country")]);
    // A figure is wrong, for whatever reason.
    await models.counters.updateMany({}, { $inc: { gross: 7 } });
    const late = Array.from({ length: 4 }, () => story()).flat();
    // These the log has not: it is late, or it does not keep messages for so long.
    const forgotten = story();
    await hear(...forgotten);
    log = log.filter((it) => !forgotten.includes(it));
    const [rebuilt] = await Promise.all([rebuildReports(tools()), hear(...late)]);
    assert.equal(rebuilt.generation, 2);
    assert.ok(rebuilt.takenOver >= 1, String(rebuilt.takenOver));
    const [first] = (await sales("day")).items;
    assert.deepEqual([first?.orders, first?.gross, first?.tax], [11, 11 * 11_600, 11 * 1_600]);
    assert.equal(before_[0].items[0]?.orders, 6);
    for (const it of [models.orders, models.counters])
      assert.equal(await it.db.collection(it.collection.name).countDocuments({ generation: 1 }), 0);
    await hear(...story());
    assert.equal((await sales("day")).items[0]?.orders, 12);
  });

  it("shows what it did when a rebuild crashed, and another one succeeds", async () => {
    await hear(...story());
    const broken = { ...tools(), history: { read: () => Promise.reject(new Error("the log is away")) } };
    await assert.rejects(rebuildReports(broken), /the log is away/);
    await hear(...story());
    assert.equal((await sales("day")).items[0]?.orders, 2);
    const { generation } = await rebuildReports(tools(1_900));
    assert.equal(generation, 3);
    const [first] = (await sales("day")).items;
    // The tax is that of the time when it was recorded.
    assert.deepEqual([first?.orders, first?.tax], [2, 2 * 1_600]);
  });
});

/** The collections of a node that dies after so many commands that write. */
function dyingAfter(models: ReportModels, writes: number): ReportModels {
  let left = writes;
  const dying = <T extends object>(target: T): T =>
    new Proxy(target, {
      get(it, name) {
        const value: unknown = Reflect.get(it, name, it);
        if (name === "db") return dying(value as object);
        if (name === "collection" && typeof value === "function")
          return (collection: string) => dying(value.call(it, collection) as object);
        if (typeof value !== "function") return value;
        if (!["bulkWrite", "updateOne", "create"].includes(String(name))) return value.bind(it);
        return (...given: unknown[]) => {
          if (left-- <= 0) throw new Error("crashed");
          return value.apply(it, given);
        };
      },
    });
  return {
    ...models,
    counters: dying(models.counters),
    orders: dying(models.orders),
    batches: dying(models.batches),
  };
}
