/** The pause of whoever has lost a race for a document, before the document is read and written again. */
import { setTimeout as sleep } from "node:timers/promises";

const RACES_WITHOUT_PAUSE = 3;
const STEP_MS = 10;
const MAX_STEPS = 20;

/**
 * The first races are lost to one other writer, as a rule, so they need no pause. After more, many writers compete: random
 * pauses that grow let one after the other win.
 * @param lost how many races in a row
 */
export async function pauseAfterRace(lost: number): Promise<void> {
  if (lost > RACES_WITHOUT_PAUSE) await sleep(Math.random() * STEP_MS * Math.min(lost, MAX_STEPS));
}
