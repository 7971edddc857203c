/**
 * Caches of a service. A change clears them on all nodes. Here it happens at once, so that a writer reads its own
 * write. Elsewhere it happens when the notification arrives. A notification may be lost, so a cache also needs a time limit.
 */
import type { Service } from "moleculer";
import { defineMixin, type Mixin } from "../broker/moleculer/mixin.ts";
import { broadcastNotification, onNotified } from "./notify.ts";

export interface Clearable {
  clear(): void;
}

export interface CacheParts<C> {
  caches: C;
  /** Clears all caches, on every node. */
  invalidate(): void;
}

/**
 * Puts `caches` and `invalidate` on `this`.
 * @param create makes them, once per instance of the service
 */
export function cache<C extends object & { readonly [K in keyof C]: Clearable }>(
  create: (service: Service) => C,
): Mixin<CacheParts<C>> {
  return defineMixin<CacheParts<C>>({
    merged: onNotified<CacheParts<C>>((service) => clear(service.caches)),
    created() {
      this.caches = create(this);
    },
    methods: {
      invalidate() {
        clear(this.caches);
        broadcastNotification(this, "cache");
      },
    },
  });
}

function clear(caches: object): void {
  for (const it of Object.values<Clearable>({ ...caches })) it.clear();
}
