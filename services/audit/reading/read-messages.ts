/** The log from a position on, for services that rebuild what they derive from messages. */
import type { z } from "zod";
import type { audit } from "../audit.contract.ts";
import { type Entry, entriesOf } from "../log/block.ts";
import type { Blocks } from "../log/blocks.ts";
import type { PersonKeys } from "../personal/keys.ts";
import { openEntries } from "./open-entries.ts";

type Params = z.output<typeof audit.actions.read.params>;
type Page = z.input<typeof audit.actions.read.returns>;

/** Blocks that are read at once. */
const STEP = 20;

/** Blocks that have none of the types, as an index knows, are not read. */
export async function readMessages(
  { blocks, keys }: { blocks: Blocks; keys: PersonKeys },
  { after, types, limit }: Params,
): Promise<Page> {
  const [block = 0, index = -1] = after === null ? [] : after.split(".").map(Number);
  const wanted = types && new Set(types);
  const found: { position: string; entry: Entry }[] = [];
  let next = after;
  for (let from = block; ; ) {
    const step = await blocks.collection
      .find({ _id: { $gte: from }, ...(types ? { types: { $in: types } } : {}) })
      .sort({ _id: 1 })
      .limit(STEP)
      .toArray();
    for (const it of step) {
      for (const [i, entry] of entriesOf(it).entries()) {
        if (it._id === block && i <= index) continue;
        if (wanted && !wanted.has(entry.type)) continue;
        if (found.length === limit) return { messages: await opened(found, keys), next, more: true };
        next = `${it._id}.${i}`;
        found.push({ position: next, entry });
      }
    }
    const last = step.at(-1);
    if (!last || step.length < STEP) return { messages: await opened(found, keys), next, more: false };
    from = last._id + 1;
  }
}

async function opened(
  found: readonly { position: string; entry: Entry }[],
  keys: PersonKeys,
): Promise<Page["messages"]> {
  const entries = await openEntries(
    found.map((it) => it.entry),
    keys,
  );
  return entries.map(({ entry, message, erased }, i) => ({
    position: found[i]?.position ?? "",
    recordedAt: entry.recordedAt,
    applied: entry.applied === true,
    message,
    erased,
  }));
}
