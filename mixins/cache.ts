/**
 * Caches of a service. What it has changed is dropped from them on all nodes: here at once, so that a writer reads what it
 * wrote, elsewhere as soon as the notification comes. That is volatile, so a cache needs a time limit as well.
 */
import { defineMixin, type Mixin } from "../broker/moleculer/mixin.ts";
import { broadcastNotification, onNotified } from "./notify.ts";

export interface Clearable {
  clear(): void;
}

export interface CacheParts<C> {
  caches: C;
  /** Clears all of them, on every node. */
  invalidate(): void;
}

/** Puts `caches` and `invalidate` on `this`. @param create makes them, once per instance */
export function cache<C extends object & { readonly [K in keyof C]: Clearable }>(
  create: () => C,
): Mixin<CacheParts<C>> {
  return defineMixin<CacheParts<C>>({
    merged: onNotified<CacheParts<C>>((service) => clear(service.caches)),
    created() {
      this.caches = create();
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
