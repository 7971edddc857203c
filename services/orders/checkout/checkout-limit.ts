/** Back-pressure: bounds the checkouts in progress on a node. Further ones are refused and not queued. */
import { SoukError } from "../../../broker/contract/errors.ts";

export interface CheckoutLimit {
  /** @throws SoukError OVERLOADED, at once, when `most` are in progress */
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
