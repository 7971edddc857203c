/** Checks whether the shop works. A probe is a complete checkout: cart, order, payment, paid, delivery created. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Customer } from "../customers/customer.ts";
import type { Journal } from "../customers/journal.ts";
import type { Goods } from "../customers/set-up.ts";

export interface Probe {
  /**
   * Tries until a whole checkout that began after this call has worked.
   * @returns milliseconds until then; null where none did within `boundMs`
   */
  served(boundMs: number): Promise<number | null>;
}

/** Interval of new tries, whatever the result of earlier ones. A hanging request does not block a new one. */
const EVERY_MS = 400;
const PAID_WITHIN_MS = 8_000;

interface Waiting {
  since: number;
  until: number;
  resolve(ms: number | null): void;
}

/** @param customers clients for probes alone; each has one try under way at most */
export function createProbe(customers: readonly Customer[], goods: Goods, journal: Journal): Probe {
  const idle = [...customers];
  const waiting = new Set<Waiting>();
  let tries = 0;
  let running = false;

  async function checkOut(customer: Customer): Promise<boolean> {
    if (!(await customer.fillCart(new Map([[goods.probe, 1]])))) return false;
    const order = await customer.place(journal.checkout(`"probe-${++tries}"`, "probe"));
    if (!order || typeof order === "string") return false;
    const open = await customer.payable(order, PAID_WITHIN_MS);
    if (open?.status !== "awaiting_payment" || !(await customer.pay(open))) return false;
    const ready = await customer.until(order.id, (it) => it.delivery?.status === "created", PAID_WITHIN_MS);
    return ready !== null;
  }

  async function tryOnce(customer: Customer): Promise<void> {
    const began = performance.now();
    const worked = await checkOut(customer);
    idle.push(customer);
    // For all that have waited since before it began.
    if (worked) for (const it of waiting) if (it.since <= began) settle(it, performance.now() - it.since);
  }

  function settle(it: Waiting, ms: number | null): void {
    waiting.delete(it);
    it.resolve(ms);
  }

  async function keepTrying(): Promise<void> {
    if (running) return;
    running = true;
    while (waiting.size > 0) {
      const customer = idle.shift();
      if (customer) void tryOnce(customer);
      await sleep(EVERY_MS);
      for (const it of waiting) if (performance.now() > it.until) settle(it, null);
    }
    running = false;
  }

  return {
    served(boundMs) {
      return new Promise((resolve) => {
        const since = performance.now();
        waiting.add({ since, until: since + boundMs, resolve });
        void keepTrying();
      });
    },
  };
}
