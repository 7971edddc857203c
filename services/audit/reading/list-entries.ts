/**
 * Staff's list of the log, newest first. One index finds blocks that have what is asked for. The entries are then taken
 * from those. A request looks at a bounded number of blocks: where filters that are rare together find little, it gives a
 * short page and where to go on.
 */
import type { z } from "zod";
import { makeCursor, readCursor } from "../../../broker/mongo/page-cursor.ts";
import type { audit } from "../audit.contract.ts";
import type { AuditEntry } from "../audit.schemas.ts";
import { type Block, type Entry, entriesOf } from "../log/block.ts";
import type { Blocks } from "../log/blocks.ts";
import type { PersonKeys } from "../personal/keys.ts";
import { aboutEntry } from "./about-entry.ts";
import { openEntries } from "./open-entries.ts";

type Params = z.output<typeof audit.actions.list.params>;

const STEP = 10;
const MAX_BLOCKS = 200;
const POSITION = /^\d{1,12}\.\d{1,4}$/;

interface Found {
  readonly day: string;
  readonly entry: Entry;
}

export async function listEntries(
  { blocks, keys }: { blocks: Blocks; keys: PersonKeys },
  { cursor, limit, ...filters }: Params,
): Promise<{ items: AuditEntry[]; nextCursor: string | null }> {
  const list = `audit ${JSON.stringify(filters)}`;
  const [before, index = 0] =
    cursor === undefined ? [] : readCursor(cursor, list, POSITION).split(".").map(Number);
  const range = await rangeOf(blocks, filters);
  if (!range) return { items: [], nextCursor: null };
  const filter = indexFilter(filters);
  const found: Found[] = [];
  let top = before ?? range.to;
  for (let looked = 0; looked < MAX_BLOCKS; looked += STEP) {
    const step = await blocks.collection
      .find({ ...filter, _id: { $gte: range.from, $lte: Math.min(top, range.to) } })
      .sort({ _id: -1 })
      .limit(STEP)
      .toArray();
    for (const block of step) {
      const entries = entriesOf(block);
      for (let i = (block._id === before ? index : entries.length) - 1; i >= 0; i--) {
        const entry = entries[i];
        if (!entry || !fits(entry, filters)) continue;
        found.push({ day: block.day, entry });
        if (found.length === limit)
          return { items: await shown(found, keys), nextCursor: makeCursor(`${block._id}.${i}`, list) };
      }
    }
    const last = step.at(-1);
    if (!last || step.length < STEP) return { items: await shown(found, keys), nextCursor: null };
    top = last._id - 1;
  }
  // All of the block `top` is still to come.
  return { items: await shown(found, keys), nextCursor: makeCursor(`${top + 1}.0`, list) };
}

type Filters = Omit<Params, "cursor" | "limit">;

/** The rarest of what is asked for. */
function indexFilter({ subject, correlationId, actor, type }: Filters) {
  if (subject !== undefined) return { subjects: subject };
  if (correlationId !== undefined) return { flows: correlationId };
  if (actor !== undefined) return { actors: actor };
  return type === undefined ? {} : { types: type };
}

const fits = (it: Entry, { subject, correlationId, actor, type, from, to }: Filters): boolean =>
  (subject === undefined || it.subject === subject) &&
  (correlationId === undefined || it.correlationid === correlationId) &&
  (actor === undefined || it.actor === actor) &&
  (type === undefined || it.type === type) &&
  (from === undefined || Date.parse(it.recordedAt) >= Date.parse(from)) &&
  (to === undefined || Date.parse(it.recordedAt) < Date.parse(to));

/** The numbers of the blocks of that time: times go up with them. Undefined where there are none. */
async function rangeOf(
  { collection }: Blocks,
  { from, to }: Pick<Filters, "from" | "to">,
): Promise<{ from: number; to: number } | undefined> {
  const at = {
    ...(from === undefined ? {} : { $gte: new Date(from) }),
    ...(to === undefined ? {} : { $lt: new Date(to) }),
  };
  if (from === undefined && to === undefined) return { from: 0, to: Number.MAX_SAFE_INTEGER };
  const end = async (direction: 1 | -1) => {
    const [block] = await collection
      .find({ at })
      .project<Pick<Block, "_id">>({ _id: 1 })
      .sort({ at: direction, _id: direction })
      .limit(1)
      .toArray();
    return block?._id;
  };
  const [first, last] = await Promise.all([end(1), end(-1)]);
  return first === undefined || last === undefined ? undefined : { from: first, to: last };
}

async function shown(found: readonly Found[], keys: PersonKeys): Promise<AuditEntry[]> {
  const opened = await openEntries(
    found.map((it) => it.entry),
    keys,
  );
  return opened.map(({ entry, message, erased }, i) => ({
    ...aboutEntry(entry),
    entry: `${found[i]?.day}/${entry.seq}`,
    data: isRecord(message.data) ? message.data : null,
    erased,
  }));
}

/** As the data of every message is. */
const isRecord = (it: unknown): it is Record<string, unknown> => typeof it === "object" && it !== null;
