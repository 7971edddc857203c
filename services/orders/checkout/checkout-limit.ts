/** Back-pressure: how many checkouts a node has under way at once. Beyond that it says so instead of queueing. */
import { SoukError } from "../../../broker/contract/errors.ts";

export interface CheckoutLimit {
  /** @throws SoukError OVERLOADED, at once, when `most` are under way */
  run<T>(checkout: () => Promise<T>): Promise<T>;
}

export function createCheckoutLimit(most: number): CheckoutLimit {
  let running = 0;
  return {
    async run(checkout) {
      if (running >= most) throw new SoukError("OVERLOADED", undefined, { retryAfter: 1 });
      running += 1;
      try {
        return await checkout();
      } finally {
        running -= 1;
      }
    },
  };
}
