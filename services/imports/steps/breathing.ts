/** Long loops give way to what else runs in this process: a checkout must not wait for a file. */
import { setImmediate as otherWork } from "node:timers/promises";

const MAX_MS = 10;

/** The same items. After some milliseconds of work, others run before the next one. */
export async function* breathing<T>(items: AsyncIterable<T>): AsyncGenerator<T> {
  let begun = performance.now();
  for await (const item of items) {
    yield item;
    if (performance.now() - begun < MAX_MS) continue;
    await otherWork();
    begun = performance.now();
  }
}
