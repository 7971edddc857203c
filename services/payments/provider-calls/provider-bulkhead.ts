/**
 * How many calls may be under way at one provider, so that one which hangs or refuses everything leaves the workers'
 * places to the others. Who gets no turn does not wait for it: the payment asks again by a timer.
 */

/** Of one kind at one provider, on this node. Workers have 50 places. */
const MAX_CALLS = 20;
/** After so many failures in a row a provider is only tried by few. */
const FAILING_AFTER = 5;
const MAX_TRYING = 3;
/** A provider that works lets others in soon. Milliseconds. */
const PATIENCE_MS = 1_000;

interface Lane {
  underWay: number;
  failures: number;
  /** Somebody waited in vain, and no call has ended since. */
  stuck: boolean;
  readonly waiting: Set<(granted: boolean) => void>;
}

export interface Turns {
  /** @returns null where it is not this call's turn; else what is to be told how it went */
  take(lane: string): Promise<((worked: boolean) => void) | null>;
}

export function createTurns(): Turns {
  const lanes = new Map<string, Lane>();

  function done(lane: Lane, worked: boolean): void {
    lane.underWay--;
    lane.failures = worked ? 0 : lane.failures + 1;
    lane.stuck = false;
    if (isFailing(lane)) for (const wake of lane.waiting) wake(false);
    else {
      const [next] = lane.waiting;
      next?.(true);
    }
  }

  return {
    async take(name) {
      const lane = lanes.get(name) ?? { underWay: 0, failures: 0, stuck: false, waiting: new Set() };
      lanes.set(name, lane);
      const free = lane.underWay < (isFailing(lane) ? MAX_TRYING : MAX_CALLS);
      if (free) lane.underWay++;
      else if (isFailing(lane) || lane.stuck || !(await turn(lane))) return null;
      return (worked) => done(lane, worked);
    },
  };
}

const isFailing = ({ failures }: Lane): boolean => failures >= FAILING_AFTER;

/** Who is woken has its place already, so that nobody comes between. */
function turn(lane: Lane): Promise<boolean> {
  return new Promise((resolve) => {
    const wake = (granted: boolean) => {
      clearTimeout(timer);
      lane.waiting.delete(wake);
      if (granted) lane.underWay++;
      resolve(granted);
    };
    const timer = setTimeout(() => {
      lane.stuck = true;
      wake(false);
    }, PATIENCE_MS);
    lane.waiting.add(wake);
  });
}
