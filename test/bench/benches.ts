/** The benches by name. Each prints its figures. */
import { withLocalRabbit } from "../../scripts/support/local-rabbit.ts";
import { type BusCpu, type BusShape, benchBus } from "./bus.ts";
import { benchCatalogue } from "./catalogue.ts";
import { benchCheckout } from "./checkout.ts";
import { memoryOf } from "./cpu.ts";
import { benchFlashSale } from "./flash-sale.ts";
import { benchHotSku } from "./hot-sku.ts";
import { percentile } from "./http.ts";
import { type BenchShop, type Mode, startBenchShop } from "./shop-process.ts";

export interface BenchOptions {
  /** Of load. */
  seconds: number;
  modes: readonly Mode[];
  /** Products of a catalogue. */
  count: number;
}

export const benches: Record<string, (options: BenchOptions) => Promise<void>> = {
  async start({ modes }) {
    for (const mode of modes)
      await inShop(mode, { SEED_ON_START: "false" }, async (shop) => {
        print(mode, `start to first answered request: ${shop.startMs.toFixed(0)} ms`);
        await new Promise((resolve) => setTimeout(resolve, 3_000));
        if (mode === "embedded")
          print(mode, `idle, whole shop in one process: ${memoryOf(shop.pid).toFixed(0)} MB resident`);
      });
  },
  async checkout({ modes, seconds }) {
    for (const mode of modes)
      await inShop(mode, {}, async (shop) => {
        const it = await benchCheckout(shop, 32, seconds);
        const { node, store, rabbitmq, load } = it.cpu;
        print(mode, `checkout at 32 users: ${it.perSecond.toFixed(0)} flows/s (${it.flows} flows)`);
        print(
          mode,
          `  POST /orders p50 ${it.orderMs.p50.toFixed(0)} ms, p99 ${it.orderMs.p99.toFixed(0)} ms; whole flow p50 ${it.flowMs.p50.toFixed(0)} ms, p99 ${it.flowMs.p99.toFixed(0)} ms`,
        );
        print(
          mode,
          `  CPU a flow: Node ${node.toFixed(1)} ms, store ${store.toFixed(1)} ms, RabbitMQ ${rabbitmq.toFixed(1)} ms; load generator ${load.toFixed(1)} ms`,
        );
      });
  },
  async catalogue({ seconds, count }) {
    await inShop("embedded", { SEED_COUNT: String(count) }, async (shop) => {
      for (const it of await benchCatalogue(shop, Math.min(seconds, 10)))
        print(
          "embedded",
          `${it.route} of ${count} products at 32 connections: ${it.perSecond.toFixed(0)} req/s, p99 ${it.p99Ms} ms, ${it.failed} failed`,
        );
    });
  },
  async flash({ modes }) {
    for (const mode of modes)
      await inShop(mode, { SEED_ON_START: "false" }, async (shop) => {
        const it = await benchFlashSale(shop, 500, 50);
        print(
          mode,
          `flash sale, ${it.buyers} buyers for ${it.units} units: ${it.gotStock} got stock, ${it.outOfStock} out of stock, ${it.other} other, ${it.serverErrors} server errors, available ${it.available}, ${it.seconds.toFixed(2)} s`,
        );
      });
  },
  async "hot-sku"() {
    for (const atOnce of [1, 64])
      for (const holds of [100, 1_000, 10_000]) {
        const it = await benchHotSku(holds, atOnce, 4_000);
        console.log(
          `hot SKU  ${String(holds).padStart(6)} open holds, ${String(atOnce).padStart(2)} at once: CPU a message ${it.actor.toFixed(0)} µs, the store's ${it.store.toFixed(0)} µs, V8's helpers of both ${it.helpers.toFixed(0)} µs; ${it.batch.toFixed(1)} messages a commit`,
        );
      }
  },
  async bus() {
    const { AMQP_URL = "" } = withLocalRabbit(process.env);
    for (const shape of BUS_SHAPES) {
      const rounds = await benchBus(AMQP_URL, 10_000, shape);
      console.log(
        `bus      ${shape.from === "commit" ? "commit → " : ""}outbox → quorum queue → mailbox → commit, ${shape.lines} messages a commit, ${shape.senders} senders:`,
      );
      for (const { souk, raw, cpu } of rounds) {
        console.log(
          `bus        ${souk.toFixed(0)}/s; raw amqplib confirmed ${raw.confirmed.toFixed(0)}/s, consumed too ${raw.consumed.toFixed(0)}/s; ratio ${(souk / raw.consumed).toFixed(2)}`,
        );
        console.log(`bus          CPU a message: ${micros(cpu.souk)}; raw ${micros(cpu.raw)}`);
      }
      const ratios = rounds.map(({ souk, raw }) => souk / raw.consumed);
      console.log(`bus        median ratio ${percentile(ratios, 0.5).toFixed(2)}`);
    }
  },
};

const BUS_SHAPES: readonly BusShape[] = [
  { lines: 2, senders: "standing", from: "outbox" },
  { lines: 2, senders: "new", from: "outbox" },
  { lines: 2, senders: "new", from: "commit" },
  { lines: 2, senders: "standing", from: "commit" },
  { lines: 20, senders: "standing", from: "commit" },
];

const micros = ({ node, store, rabbitmq }: BusCpu) =>
  `Node ${node.toFixed(0)} µs (store ${store.toFixed(0)}), RabbitMQ ${rabbitmq.toFixed(0)} µs`;

function print(mode: Mode, line: string): void {
  console.log(`${mode.padEnd(8)} ${line}`);
}

async function inShop(
  mode: Mode,
  env: Record<string, string>,
  work: (shop: BenchShop) => Promise<void>,
): Promise<void> {
  const shop = await startBenchShop(mode, env);
  try {
    await work(shop);
  } finally {
    await shop.stop();
  }
}
