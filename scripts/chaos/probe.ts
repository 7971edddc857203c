/** Is the shop serving? A probe is a whole checkout: cart, order, payment, paid, its delivery made ready. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Customer } from "./customer.ts";
import type { Journal } from "./journal.ts";
import type { Goods } from "./stage.ts";

export interface Probe {
  /**
   * Tries until a whole checkout that began after this call has worked.
   * @returns milliseconds until then; null where none did within `boundMs`
   */
  served(boundMs: number): Promise<number | null>;
}

/** A new try begins so often, whatever became of the ones before: a request may hang that a new one would not. */
const EVERY_MS = 400;
const PAID_WITHIN_MS = 8_000;

/** @param customers impatient ones, for probes alone; each has one try under way at most */
export function createProbe(customers: readonly Customer[], goods: Goods, journal: Journal): Probe {
  const idle = [...customers];
  let tries = 0;

  async function checkOut(customer: Customer): Promise<boolean> {
    if (!(await customer.fillCart(new Map([[goods.probe, 1]])))) return false;
    const order = await customer.place(journal.checkout(`"probe-${++tries}"`, "probe"));
    if (!order || order === "cart") return false;
    const open = await customer.payable(order, PAID_WITHIN_MS);
    if (open?.status !== "awaiting_payment" || !(await customer.pay(open))) return false;
    const ready = await customer.until(order.id, (it) => it.delivery?.status === "created", PAID_WITHIN_MS);
    return ready !== null;
  }

  return {
    async served(boundMs) {
      const started = performance.now();
      const elapsed = () => performance.now() - started;
      let first: number | null = null;
      while (first === null && elapsed() < boundMs) {
        const customer = idle.shift();
        if (customer)
          void checkOut(customer).then((worked) => {
            idle.push(customer);
            if (worked) first ??= elapsed();
          });
        const before = elapsed();
        while (first === null && elapsed() - before < EVERY_MS) await sleep(20);
      }
      return first;
    },
  };
}
