/** Pages by id, up to what there was when the first one was read. Ids begin with the time. */
import { v7 } from "uuid";
import { z } from "zod";
import { id } from "../../../broker/contract/schemas.ts";

const range = z.tuple([id, id.optional()]);

/** The first id of a millisecond. */
const firstId = (ms: number): string => v7({ msecs: ms, random: new Uint8Array(16), seq: 0 });

/** @param next of the page before; none on the first page */
export function idRange(next: string | undefined, now: number): { until: string; after?: string } {
  if (next === undefined) return { until: firstId(now + 1) };
  const [until, after] = range.parse(next.split(" "));
  return after === undefined ? { until } : { until, after };
}

/** `next` of a page; null where it was the last one. */
export const nextRange = (until: string, last: string | undefined, isFull: boolean): string | null =>
  isFull && last !== undefined ? `${until} ${last}` : null;
