/** Benches of the actor runtime in this process. Each alternates by itself what it compares. */
import { detail, type Figure, less, more } from "./measure/figure.ts";
import { type BusCpu, type BusRound, type BusShape, benchBus } from "./runtime/bus.ts";
import { benchHotSku } from "./runtime/hot-sku.ts";
import type { BenchRabbit } from "./shop/bench-rabbit.ts";

export interface RuntimeBench {
  needsRabbit: boolean;
  /** @returns the figures of each round */
  run(rounds: number, rabbit: BenchRabbit | undefined): Promise<Figure[][]>;
}

export const runtimeBenches: Record<string, RuntimeBench> = {
  "hot-sku": {
    needsRabbit: false,
    async run(rounds) {
      const all: Figure[][] = [];
      for (let round = 0; round < rounds; round++) {
        const figures: Figure[] = [];
        for (const atOnce of [1, 64])
          for (const holds of [100, 1_000, 10_000]) figures.push(...(await hotSku(holds, atOnce)));
        all.push(figures);
      }
      return all;
    },
  },
  bus: {
    needsRabbit: true,
    async run(rounds, rabbit) {
      if (!rabbit) throw new Error("the bench of the bus needs RabbitMQ");
      const shapes: Figure[][][] = [];
      for (const shape of BUS_SHAPES)
        shapes.push((await benchBus(rabbit, 10_000, shape, rounds)).map((it) => busFigures(shape, it)));
      return Array.from({ length: rounds }, (_, round) => shapes.flatMap((it) => it[round] ?? []));
    },
  },
};

async function hotSku(holds: number, atOnce: number): Promise<Figure[]> {
  const it = await benchHotSku(holds, atOnce, 4_000);
  const title = `${holds} open holds, ${atOnce} at once`;
  return [
    less(`${title}: CPU of the actor's thread a message`, "µs", it.actor),
    less(`${title}: of the store's`, "µs", it.store),
    detail(`${title}: of V8's helpers of both`, "µs", it.helpers),
    detail(`${title}: messages a commit`, "", it.batch),
  ];
}

/** From outbox or commit, over a quorum queue and a mailbox, to the receiver's commit. */
const BUS_SHAPES: readonly BusShape[] = [
  { lines: 2, senders: "standing", from: "outbox" },
  { lines: 2, senders: "new", from: "outbox" },
  { lines: 2, senders: "new", from: "commit" },
  { lines: 2, senders: "standing", from: "commit" },
  { lines: 20, senders: "standing", from: "commit" },
];

function busFigures({ lines, senders, from }: BusShape, { souk, raw, cpu }: BusRound): Figure[] {
  const title = `from ${from}, ${lines} a commit, ${senders} senders`;
  const micros = (of: string, { node, rabbitmq }: BusCpu) => [
    detail(`${title}: CPU of ${of} a message, Node`, "µs", node),
    detail(`${title}: CPU of ${of} a message, RabbitMQ`, "µs", rabbitmq),
  ];
  return [
    more(`${title}: messages to the receiver's commit`, "/s", souk),
    detail(`${title}: raw amqplib, confirmed`, "/s", raw.confirmed),
    detail(`${title}: raw amqplib, consumed too`, "/s", raw.consumed),
    more(`${title}: ratio to raw, consumed too`, "", souk / raw.consumed),
    ...micros("Souk", cpu.souk),
    detail(`${title}: CPU of Souk a message, store (in Node's)`, "µs", cpu.souk.store),
    ...micros("raw amqplib", cpu.raw),
  ];
}
