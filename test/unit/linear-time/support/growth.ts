/** How the time that something takes grows with its input. */

/**
 * Milliseconds from which a measurement is meaningful. All times are CPU times of this thread, so other load does not
 * matter.
 */
const MEASURABLE = 10;
/** Even the fastest quadratic work on so many characters (copying all for each) takes far longer than that. */
const ENOUGH = 65_536;
/** Twice the time is linear, four times is quadratic: between them. */
export const MOST = 3;
/** The best of many: garbage collection or a cold cache makes a run slower, and nothing makes it faster. */
const ATTEMPTS = 5;

export type Work = (text: string) => unknown;

/** A text of about `n` characters. */
export type Make = (n: number) => string;

/**
 * How many times longer twice the input takes, from the size at which that can be measured. It is 1 for work that
 * takes almost no time at a size where quadratic work would take very long. It is measured over two doublings, so
 * that a slow run has less weight. It stops at the first good measurement.
 */
export async function growth(run: Work, make: Make): Promise<number> {
  let n = 16;
  while (n < ENOUGH && (await best(run, make(n), 2)) < MEASURABLE) n *= 2;
  if (n >= ENOUGH && (await best(run, make(n), 2)) < MEASURABLE) return 1;
  let [once, fourfold] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  const perDoubling = () => Math.sqrt(fourfold / once);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const time = await best(run, make(n), 2);
    // The code has been compiled meanwhile, or the clock stood still: another size is needed, with all attempts.
    if (time < MEASURABLE / 10) {
      if (n >= ENOUGH) return 1;
      n *= 2;
      attempt = -1;
      [once, fourfold] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
      continue;
    }
    once = Math.min(once, time);
    fourfold = Math.min(fourfold, await best(run, make(4 * n), 1));
    if (perDoubling() < MOST) break;
  }
  return perDoubling();
}

/** The best of several runs, which have the same text but not the same string. */
async function best(run: Work, text: string, times: number): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < times; i++) {
    const fresh = Buffer.from(text, "utf16le").toString("utf16le");
    const begun = process.threadCpuUsage();
    try {
      await run(fresh);
    } catch {
      // Refused: that took its time as well.
    }
    const { user, system } = process.threadCpuUsage(begun);
    least = Math.min(least, (user + system) / 1_000);
  }
  return least;
}
