/** The messages of one order: those to it and its payments and deliveries, and all that belongs to the same requests. */
import { type Entry, entriesOf } from "../log/block.ts";
import type { Blocks } from "../log/blocks.ts";

/** More than any order has. It bounds what a timeline holds in memory. */
export const MAX_MESSAGES = 2_000;
const MAX_BLOCKS = 1_000;
const STEP = 20;

/** In the order of the log. `cut` says that there are more. */
export async function messagesOfOrder(
  blocks: Blocks,
  orderId: string,
): Promise<{ entries: Entry[]; cut: boolean }> {
  const own = await select(blocks, { subjects: orderId }, (it) => it.subject === orderId);
  const parts = relatedTo(own.entries);
  const related = await select(blocks, { subjects: { $in: parts } }, (it) => parts.includes(it.subject));
  const flows = [...new Set([...own.entries, ...related.entries].flatMap((it) => it.correlationid ?? []))];
  const wanted = new Set(flows);
  const others = await select(
    blocks,
    { flows: { $in: flows } },
    (it) => it.correlationid !== undefined && wanted.has(it.correlationid),
  );
  const all = new Map([...own.found, ...related.found, ...others.found]);
  const ordered = [...all.values()].sort((a, b) => a.block - b.block || a.entry.seq - b.entry.seq);
  return {
    entries: ordered.slice(0, MAX_MESSAGES).map((it) => it.entry),
    cut: own.cut || related.cut || others.cut || ordered.length > MAX_MESSAGES,
  };
}

/** Actors that belong to one order, so that all their messages are among its messages. Others sell to many. */
const PARTS = ["payment", "delivery"];
export const isOfOneOrder = (sender: string): boolean =>
  ["order", ...PARTS].includes(sender.slice(0, sender.indexOf("/")));

/** Ids of the actors that have told the order something. */
const relatedTo = (entries: readonly Entry[]): string[] => [
  ...new Set(
    entries.flatMap(({ sender = "" }) => {
      const [type = "", id = ""] = sender.split("/");
      return PARTS.includes(type) ? [id] : [];
    }),
  ),
];

type Filter = { subjects: string | { $in: string[] } } | { flows: { $in: string[] } };

async function select(blocks: Blocks, filter: Filter, wanted: (entry: Entry) => boolean) {
  const found = new Map<string, { block: number; entry: Entry }>();
  let cut = false;
  let from = 0;
  for (let looked = 0; ; looked += STEP) {
    if (looked >= MAX_BLOCKS || found.size > MAX_MESSAGES) {
      cut = true;
      break;
    }
    const step = await blocks.collection
      .find({ ...filter, _id: { $gte: from } })
      .sort({ _id: 1 })
      .limit(STEP)
      .toArray();
    for (const block of step)
      for (const entry of entriesOf(block))
        if (wanted(entry)) found.set(entry.id, { block: block._id, entry });
    const last = step.at(-1);
    if (!last || step.length < STEP) break;
    from = last._id + 1;
  }
  return { found, cut, entries: [...found.values()].map((it) => it.entry) };
}
