/**
 * Bounds the calls in flight per provider. So a provider that hangs or fails leaves worker slots to the others. A
 * call without a slot fails at once, and the payment repeats it by a timer.
 */

/** Calls of one kind at one provider, on this node. Workers have 50 slots. */
const MAX_CALLS = 20;
/** After this many failures in a row, only a few calls are let through. */
const FAILING_AFTER = 5;
const MAX_TRYING = 3;
/** How long a call waits for a slot, in milliseconds. */
const WAIT_MS = 1_000;

interface Calls {
  underWay: number;
  failures: number;
  /** A call waited without success, and no call has ended since. */
  stuck: boolean;
  readonly waiting: Set<(granted: boolean) => void>;
}

export interface Bulkhead {
  /** @returns null without a slot; else a function that takes the result */
  take(name: string): Promise<((worked: boolean) => void) | null>;
}

export function createBulkhead(): Bulkhead {
  const callsOf = new Map<string, Calls>();

  function done(calls: Calls, worked: boolean): void {
    calls.underWay--;
    calls.failures = worked ? 0 : calls.failures + 1;
    calls.stuck = false;
    if (isFailing(calls)) for (const wake of calls.waiting) wake(false);
    else {
      const [next] = calls.waiting;
      next?.(true);
    }
  }

  return {
    async take(name) {
      const calls = callsOf.get(name) ?? { underWay: 0, failures: 0, stuck: false, waiting: new Set() };
      callsOf.set(name, calls);
      const free = calls.underWay < (isFailing(calls) ? MAX_TRYING : MAX_CALLS);
      if (free) calls.underWay++;
      else if (isFailing(calls) || calls.stuck || !(await placeIn(calls))) return null;
      return (worked) => done(calls, worked);
    },
  };
}

const isFailing = ({ failures }: Calls): boolean => failures >= FAILING_AFTER;

/** A resumed call already has its slot, so no other call can take it. */
function placeIn(calls: Calls): Promise<boolean> {
  return new Promise((resolve) => {
    const wake = (granted: boolean) => {
      clearTimeout(timer);
      calls.waiting.delete(wake);
      if (granted) calls.underWay++;
      resolve(granted);
    };
    const timer = setTimeout(() => {
      calls.stuck = true;
      wake(false);
    }, WAIT_MS);
    calls.waiting.add(wake);
  });
}
