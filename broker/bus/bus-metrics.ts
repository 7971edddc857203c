/** What the buses of all nodes have counted, for Prometheus: the gateway asks each node when it is asked itself. */
import type { ServiceBroker, ServiceSchema } from "moleculer";
import type { Bus, BusStats } from "./bus.ts";

const SERVICE = "$bus";
const ANSWER_MS = 1_000;

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

/** Answers the gateway of whichever node. */
export const busStatsService = ({ stats }: Bus): ServiceSchema => ({
  name: SERVICE,
  actions: { stats: { visibility: "public", handler: () => ({ ...stats }) } },
});

/** One series per node and counter; a node that does not answer within a second is left out. */
export async function busMetrics(broker: ServiceBroker): Promise<string> {
  const nodes = broker.registry
    .getServiceList({ onlyAvailable: true })
    .flatMap(({ name, nodeID }) => (name === SERVICE && nodeID ? [nodeID] : []));
  const asked = await Promise.allSettled(
    nodes.map(async (nodeID) => {
      const stats: BusStats = await broker.call(`${SERVICE}.stats`, {}, { nodeID, timeout: ANSWER_MS });
      return { nodeID, stats };
    }),
  );
  const answers = asked.flatMap((it) => (it.status === "fulfilled" ? [it.value] : []));
  if (answers.length === 0) return "";
  return (Object.keys(HELP) as (keyof BusStats)[])
    .map((counter) => {
      const name = `souk_bus_${counter}_total`;
      const series = answers.map(({ nodeID, stats }) => `${name}{node="${nodeID}"} ${stats[counter]}\n`);
      return `# HELP ${name} ${HELP[counter]}\n# TYPE ${name} counter\n${series.join("")}`;
    })
    .join("");
}
