/** Which crash matrix kills which of Souk's services. matrices.spec.ts sees that none is forgotten. */
import { workerName } from "../../../../../broker/bus/topology.ts";
import type { Extension } from "../../../../../broker/moleculer/extension.ts";
import core from "../../../../../services/index.ts";

/** By spec, below test/unit. */
export const MATRICES = {
  /** Who takes part in an order, from the cart to the return. */
  "actor/shop-matrix": [
    "cart",
    "delivery",
    "inventory",
    "orders",
    "payments",
    "products",
    "returns",
    "users",
  ],
  // Who only listens, or works for staff, has a story of its own. In an order's story each would double the runs.
  "imports/crash-matrix": ["imports"],
  "notifications/crash-matrix": ["notifications"],
  "reports/crash-matrix": ["reports"],
  "reviews/crash-matrix": ["reviews"],
  "webhooks/crash-matrix": ["webhooks"],
} as const satisfies Record<string, readonly string[]>;

type Spec = keyof typeof MATRICES;

/** A shop of the spec's services, and of the ones that its story calls. */
export function shopOf(spec: Spec, called: readonly string[] = []): Extension {
  const names: readonly string[] = [...MATRICES[spec], ...called];
  return {
    ...core,
    contracts: core.contracts.filter((it) => names.includes(it.service)),
    services: Object.fromEntries(Object.entries(core.services).filter(([name]) => names.includes(name))),
  };
}

/** The actors and workers that the spec kills. */
export function killedBy(spec: Spec): string[] {
  const services: readonly string[] = MATRICES[spec];
  return core.contracts
    .filter((it) => services.includes(it.service))
    .flatMap(({ service, actors, workers }) => [
      ...Object.keys(actors),
      ...Object.keys(workers).map((it) => workerName(service, it)),
    ]);
}
