/**
 * Available units per SKU, from inventory. Cached for {@link FRESH_MS}. Concurrent requests share one call for
 * missing SKUs.
 *
 * While inventory is away, the last known numbers are shown, for at most {@link STALE_MS}. A catalogue page is worth
 * more than exact stock, and checkout decides anyway. Without a known number the failure goes to the caller, because
 * an invented 0 would say "sold out".
 */
import { growingCache } from "../../../broker/resilience/growing-cache.ts";
import type { Log } from "../../../broker/resilience/log.ts";

const FRESH_MS = 500;
const STALE_MS = 5 * 60_000;
const MAX_SKUS = 100_000;
const MAX_CALL = 2_000;

type Fetch = (skus: string[]) => Promise<readonly { sku: string; available: number }[]>;

export interface Availability {
  /** Units by SKU. 0 for a SKU without a stock item. */
  of(skus: readonly string[]): Promise<ReadonlyMap<string, number>>;
}

interface Known {
  available: number;
  /** Monotonic milliseconds. */
  at: number;
}

export function createAvailability(
  fetch: Fetch,
  log: Log,
  now: () => number = () => performance.now(),
): Availability {
  const known = growingCache<Known>(MAX_SKUS);
  let gathering: { skus: Set<string>; done: Promise<void> } | undefined;
  let away = false;

  /** Resolves when all of `skus` were asked for, in one call with other requests of this event-loop pass. */
  function gather(skus: readonly string[]): Promise<void> {
    if (!gathering) {
      const wanted = new Set<string>();
      const done = new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
        gathering = undefined;
        return ask([...wanted]);
      });
      gathering = { skus: wanted, done };
    }
    for (const sku of skus) gathering.skus.add(sku);
    return gathering.done;
  }

  async function ask(skus: string[]): Promise<void> {
    const at = now();
    for (let from = 0; from < skus.length; from += MAX_CALL) {
      const part = skus.slice(from, from + MAX_CALL);
      const found = new Map((await fetch(part)).map((it) => [it.sku, it.available]));
      for (const sku of part) known.set(sku, { available: found.get(sku) ?? 0, at });
    }
    if (away) log.info("inventory answers again");
    away = false;
  }

  const isYoungerThan = (age: number) => (sku: string) => {
    const entry = known.get(sku);
    return entry !== undefined && now() - entry.at < age;
  };

  return {
    async of(skus) {
      const wanted = skus.filter((sku) => !isYoungerThan(FRESH_MS)(sku));
      if (wanted.length > 0)
        try {
          await gather(wanted);
        } catch (error) {
          if (!wanted.every(isYoungerThan(STALE_MS))) throw error;
          if (!away)
            log.warn("inventory is away: showing its last numbers", { reason: (error as Error).message });
          away = true;
        }
      return new Map(skus.map((sku) => [sku, known.get(sku)?.available ?? 0]));
    },
  };
}
