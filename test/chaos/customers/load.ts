/** Customers arrive at an even rate. Delayed ones are started as soon as customers are free. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Customer } from "./customer.ts";
import { type Flow, play } from "./scenarios.ts";

export interface LoadOptions extends Omit<Flow, "number" | "customer"> {
  customers: readonly Customer[];
  /** How many come. */
  orders: number;
  /** Over how many seconds. */
  seconds: number;
  /** No one comes in any more. */
  signal: AbortSignal;
  progress(done: number): void;
}

/** @returns how many came; each customer has one order under way at a time */
export async function runLoad(options: LoadOptions): Promise<number> {
  const { customers, orders, seconds, signal, progress, ...flow } = options;
  const started = performance.now();
  let next = 0;
  let done = 0;
  await Promise.all(
    customers.map(async (customer) => {
      while (next < orders && !signal.aborted) {
        const number = next++;
        const wait = started + (number / orders) * seconds * 1_000 - performance.now();
        if (wait > 0) await sleep(wait);
        await play({ ...flow, number, customer });
        progress(++done);
      }
    }),
  );
  return done;
}
