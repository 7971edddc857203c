/** The nodes that can run an action. */
import type { ActionEndpoint, ServiceBroker } from "moleculer";

export function availableEndpoints({ registry }: ServiceBroker, action: string): ActionEndpoint[] {
  const all: ActionEndpoint[] = registry.getActionEndpoints(action)?.endpoints ?? [];
  return all.filter((it) => it.isAvailable);
}

/** One of the remaining nodes, at random. Undefined where none is left. */
export function anotherEndpoint(
  broker: ServiceBroker,
  action: string,
  isTried: (nodeID: string) => boolean,
): ActionEndpoint | undefined {
  const others = availableEndpoints(broker, action).filter((it) => !isTried(it.id));
  return others[Math.floor(Math.random() * others.length)];
}
