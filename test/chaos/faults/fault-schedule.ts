/** Which faults a round has, and in what order. */
import type { SeededRandom } from "../../support/seeded-random.ts";
import type { Cluster } from "../cluster/cluster.ts";
import { type Fault, faultsOf } from "./fault.ts";

/** Kinds of nodes that are restarted in a round. */
const RESTARTS = 3;

export interface RoundOptions {
  /** Kills, and one each of little else. */
  brief: boolean;
  first: boolean;
  print(line: string): void;
}

/**
 * One round: every kind of process is killed once. Some are frozen, some restarted one after the other, some
 * connections cut, refused, stalled. In the first round kills come first, so that a short run has all of them.
 */
export function faultSchedule(
  cluster: Cluster,
  random: SeededRandom,
  { brief, first, print }: RoundOptions,
): Fault[] {
  const { rabbit, store, nodes } = cluster;
  const { kill, restart, freeze, cut, refuse, stall } = faultsOf(cluster, random, print);
  const kinds = [...new Set(nodes.map((it) => it.plan.name))];
  const oneOf = (kind: string) => random.pick(nodes.filter((it) => it.plan.name === kind));
  const twins = nodes.filter((it) => it.plan.count > 1);

  const kills = [...kinds.map((kind) => kill(oneOf(kind).process)), kill(rabbit), kill(store)];
  if (brief)
    return random.shuffled([
      ...kills,
      kill(random.pick(twins).process),
      freeze(random.pick(twins).process, 300, 1_000),
      cut(random.pick(nodes)),
      restart(random.pick(twins).plan.name),
    ]);
  const others = [
    freeze(random.pick(nodes).process, 300, 3_000),
    freeze(random.pick(nodes).process, 300, 3_000),
    freeze(rabbit, 500, 3_000),
    freeze(store, 500, 3_000),
    // Longer than heartbeats: its partitions move, and afterwards it still believes that it owns them.
    freeze(random.pick(twins).process, 11_000, 17_000, true),
    cut(random.pick(nodes)),
    cut(random.pick(nodes)),
    refuse(random.pick(nodes)),
    stall(random.pick(twins)),
    ...random
      .shuffled(kinds)
      .slice(0, RESTARTS)
      .map((it) => restart(it)),
  ];
  return first
    ? [...random.shuffled(kills), ...random.shuffled(others)]
    : random.shuffled([...kills, ...others]);
}
