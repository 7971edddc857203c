/** Bounds what is sent at the same time. Who gets no place in time comes again later. */

export interface Slots {
  /** @returns a function that frees the place; null when there was none in time */
  take(): Promise<(() => void) | null>;
}

export function createSlots(places: number, waitMs: number): Slots {
  let free = places;
  const waiting: ((granted: boolean) => void)[] = [];

  function release(): void {
    const next = waiting.shift();
    if (next) next(true);
    else free++;
  }

  return {
    async take() {
      if (free > 0) {
        free--;
        return once(release);
      }
      const granted = await new Promise<boolean>((resolve) => {
        const timer = setTimeout(() => {
          waiting.splice(waiting.indexOf(wake), 1);
          resolve(false);
        }, waitMs);
        const wake = (it: boolean) => {
          clearTimeout(timer);
          resolve(it);
        };
        waiting.push(wake);
      });
      return granted ? once(release) : null;
    },
  };
}

function once(work: () => void): () => void {
  let done = false;
  return () => {
    if (!done) work();
    done = true;
  };
}
