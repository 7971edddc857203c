import { SoukError } from "../contract/errors.ts";

/** How long a command may keep the database busy, or its connection silent, before it fails. */
export const COMMAND_TIMEOUT_MS = 15_000;

/**
 * The result of `work`, if it arrives within `ms`.
 * @param failure thrown when it does not
 * @throws SoukError UNAVAILABLE, or `failure`, after `ms`; the work itself continues and its result is dropped
 */
export const inTime = <T>(
  ms: number,
  work: Promise<T>,
  failure: () => Error = () => new SoukError("UNAVAILABLE"),
): Promise<T> =>
  orAfter(ms, work, () => {
    throw failure();
  });

/** Waits for `work` for at most `ms`. The work itself continues. */
export const within = async (ms: number, work: Promise<unknown>): Promise<void> =>
  void (await orAfter(ms, work, () => undefined));

/** The result of `work`, or after `ms` what `otherwise` gives. */
async function orAfter<T>(ms: number, work: Promise<T>, otherwise: () => T): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  try {
    return await Promise.race([work, late.then(otherwise)]);
  } finally {
    clearTimeout(timer);
  }
}
