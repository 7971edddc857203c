/** Benches of the actor runtime in this process. Each alternates by itself what it compares, and prints its figures. */
import { withLocalRabbit } from "../../scripts/support/local-rabbit.ts";
import { percentile } from "./measure/statistics.ts";
import { type BusCpu, type BusShape, benchBus } from "./runtime/bus.ts";
import { benchHotSku } from "./runtime/hot-sku.ts";

export const runtimeBenches: Record<string, () => Promise<void>> = {
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
