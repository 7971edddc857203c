/** Which services share a process when a cluster runs on one machine. Pure. */
import { availableParallelism } from "node:os";

/** One kind of process of a cluster. */
export interface ProcessPlan {
  /** Of its nodes, for example `orders-delivery`. */
  readonly name: string;
  readonly services: readonly string[];
  /** Number of processes. */
  readonly count: number;
}

/**
 * Services in this order call each other, or send each other messages. So neighbours share a process. The numbers are
 * shares of the CPU time of a checkout, each service being a process.
 */
const SHARES: readonly (readonly [service: string, share: number])[] = [
  ["api", 2],
  ["users", 1],
  ["products", 1],
  ["imports", 0],
  ["reviews", 0],
  ["cart", 2],
  ["orders", 4],
  ["returns", 0],
  ["delivery", 1],
  ["inventory", 2],
  ["payments", 3],
  ["notifications", 1],
  ["webhooks", 1],
  ["audit", 1],
  ["reports", 1],
];

/** Of the cores. The store, RabbitMQ and the customers of a small machine need the others. */
const OF_CORES = 0.5;

/** How many processes the services of a cluster on this machine should share. */
export const defaultProcesses = (cores = availableParallelism()): number =>
  Math.max(1, Math.floor(cores * OF_CORES));

/**
 * @param processes that the services share; with as many as services, each has its own
 * @param counts services that have so many processes of their own, whatever `processes` says
 */
export function clusterPlan(
  services: readonly string[],
  processes: number,
  counts: ReadonlyMap<string, number> = new Map(),
): ProcessPlan[] {
  const own = services.filter((it) => counts.has(it));
  const shared = inGroups(
    services.filter((it) => !counts.has(it)),
    processes,
  );
  const plans = [
    ...shared.map((group) => ({ services: group, count: 1 })),
    ...own.map((it) => ({ services: [it], count: counts.get(it) ?? 1 })),
  ];
  // The gateway has the first ports.
  plans.sort((a, b) => Number(b.services.includes("api")) - Number(a.services.includes("api")));
  return plans.map((it) => ({ ...it, name: nameOf(it.services, services.length) }));
}

const nameOf = (services: readonly string[], all: number): string =>
  services.length === all ? "shop" : services.join("-");

/** Cuts the ordered services into groups of similar shares. */
function inGroups(services: readonly string[], most: number): string[][] {
  const placeOf = (it: string) => {
    const place = SHARES.findIndex(([name]) => name === it);
    return place === -1 ? SHARES.length : place;
  };
  const shareOf = (it: string) => SHARES[placeOf(it)]?.[1] ?? 1;
  const ordered = [...services].sort((a, b) => placeOf(a) - placeOf(b));
  const groups: string[][] = [];
  let left = ordered.reduce((sum, it) => sum + shareOf(it), 0);
  let filled = 0;
  for (const [i, it] of ordered.entries()) {
    const group = groups.at(-1);
    const groupsLeft = most - groups.length;
    const mustOpen = ordered.length - i <= groupsLeft;
    const share = shareOf(it);
    // A group is full when the next service would carry it further above its fair part than it is below.
    const fair = (filled + left) / (groupsLeft + 1);
    if (group && (groupsLeft === 0 || (!mustOpen && filled + share / 2 <= fair))) {
      group.push(it);
      filled += share;
    } else {
      groups.push([it]);
      filled = share;
    }
    left -= share;
  }
  return groups;
}
