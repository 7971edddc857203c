/** The counters of this node's bus, for Prometheus. */
import type { BusStats } from "./bus.ts";

const HELP: Record<keyof BusStats, string> = {
  published: "Messages handed to the broker.",
  confirmed: "Messages that the broker has confirmed.",
  returned: "Messages that no queue took; they stay in their outbox.",
  nacked:
    "Messages that the broker refused, or had not confirmed when their channel or connection went; they stay in their outbox.",
  reconnects: "Connections to the broker made again.",
  blocked: "Times that the broker asked publishers to wait.",
  delivered: "Messages delivered.",
  redelivered: "Messages delivered again.",
  dead: "Messages moved to a dead queue.",
};

/** One counter each. */
export const busMetrics = (stats: Readonly<BusStats>): string =>
  (Object.keys(HELP) as (keyof BusStats)[])
    .map((counter) => {
      const name = `souk_bus_${counter}_total`;
      return `# HELP ${name} ${HELP[counter]}\n# TYPE ${name} counter\n${name} ${stats[counter]}\n`;
    })
    .join("");
