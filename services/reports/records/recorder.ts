/**
 * Records events in the live generation, and in the one that is being built. It writes first and looks then which
 * generations there are, and writes again where there is one that it has not written. So a rebuild that began meanwhile
 * either finds the record in the live generation, or gets it from here.
 */
import type { Message } from "../../../broker/contract/envelope.ts";
import { FIRST, type Generations, written } from "../models/generations.model.ts";
import type { ReportModels } from "../models/models.ts";
import { partOf, type RECORDED } from "../order/order-record.ts";
import { writePart } from "./write-part.ts";

export type RecordedMessage = Message<(typeof RECORDED)[number]>;

export function createRecorder(
  models: ReportModels,
  readGenerations: () => Promise<Generations>,
  taxRate: number,
): (message: RecordedMessage) => Promise<void> {
  let known = FIRST;
  return async (message) => {
    const part = partOf(message, taxRate);
    if (!part) return;
    const done = new Set<number>();
    for (let left = written(known); left.length > 0; ) {
      await Promise.all(left.map((it) => writePart(models, it, part)));
      for (const it of left) done.add(it);
      known = await readGenerations();
      left = written(known).filter((it) => !done.has(it));
    }
  };
}
