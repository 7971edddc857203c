/**
 * Looks for entries that somebody has changed, removed or added. Whoever can write the database can also compute the
 * chain anew from there on. That is found by an anchor: a hash that was kept elsewhere. So is a cut end.
 */
import type { Connection } from "mongoose";
import { type Block, type Entry, hashesOf, indexed, linesOf } from "../log/block.ts";
import type { Blocks } from "../log/blocks.ts";
import { chained, NOTHING, startOf } from "../log/chain.ts";
import { droppedDays } from "../log/kept-days.ts";

/** An entry's hash as `audit head` has told it: `<day>/<number>/<hash>`. */
export interface Anchor {
  readonly day: string;
  readonly seq: number;
  readonly hash: string;
}

export interface Verified {
  readonly blocks: number;
  readonly entries: number;
  readonly findings: readonly string[];
}

/** How many findings are told. One hole is worth more than thousands of the same kind. */
const MAX_FINDINGS = 100;

export async function verifyLog(
  blocks: Blocks,
  database: Connection,
  { day, anchors = [] }: { day?: string | undefined; anchors?: readonly Anchor[] },
): Promise<Verified> {
  const dropped = await droppedDays(database).find({}).sort({ _id: 1 }).toArray();
  const gone = new Set(dropped.map((it) => it._id));
  const lastGone = dropped.at(-1);
  const before = day === undefined ? undefined : await lastBlockBefore(blocks, day);
  const start = before ?? (lastGone && { _id: lastGone.block, hash: Buffer.from(lastGone.hash.value()) });
  const walk = new Walk(start ? { block: start._id, hash: hashOf(start) } : undefined, anchors);
  for await (const block of blocks.collection.find(day === undefined ? {} : { day }).sort({ _id: 1 })) {
    if (gone.has(block.day)) continue;
    walk.take(block);
    if (walk.findings.length >= MAX_FINDINGS) break;
  }
  walk.end(day, gone);
  return walk;
}

type Start = Block | { _id: number; hash: Buffer };
const hashOf = (it: Start): Buffer => ("hash" in it ? it.hash : (hashesOf(it).at(-1) ?? NOTHING));

async function lastBlockBefore(blocks: Blocks, day: string): Promise<Block | undefined> {
  const [last] = await blocks.collection
    .find({ day: { $lt: day } })
    .sort({ day: -1, _id: -1 })
    .limit(1)
    .toArray();
  return last;
}

class Walk implements Verified {
  readonly findings: string[] = [];
  blocks = 0;
  entries = 0;
  #block: number;
  #hash: Buffer;
  #day: string | undefined;
  #seq = 0;
  readonly #anchors: Map<string, Anchor>;

  constructor(start: { block: number; hash: Buffer } | undefined, anchors: readonly Anchor[]) {
    this.#block = start?.block ?? 0;
    this.#hash = start?.hash ?? NOTHING;
    this.#anchors = new Map(anchors.map((it) => [`${it.day}/${it.seq}`, it]));
  }

  take(block: Block): void {
    this.blocks++;
    if (block._id !== this.#block + 1)
      this.#find(
        `${block.day}: blocks ${this.#block + 1} to ${block._id - 1} are missing before ${block.day}/${block.first}`,
      );
    this.#block = block._id;
    const starts = block.day !== this.#day;
    const expected = starts ? startOf(block.day, this.#hash) : this.#hash;
    if (!expected.equals(Buffer.from(block.prev.value())))
      this.#find(
        starts
          ? `${block.day}: the day does not begin where the day before ends: entries at its end were changed or removed`
          : `${block.day}/${block.first}: it does not follow ${block.day}/${this.#seq}: entries between them were changed, removed or added`,
      );
    if (starts) this.#seq = 0;
    this.#day = block.day;
    this.#takeEntries(block);
  }

  #takeEntries(block: Block): void {
    const hashes = hashesOf(block);
    const lines = linesOf(block);
    const drafts: Entry[] = [];
    this.#seq = block.first - 1;
    let previous: Buffer = Buffer.from(block.prev.value());
    for (const [index, line] of lines.entries()) {
      this.entries++;
      const entry = parsed(line);
      const seq = this.#seq + 1;
      if (!entry) {
        this.#find(`${block.day}/${seq}: it was changed: it can't be read`);
        this.#seq = seq;
        previous = hashes[seq - block.first] ?? previous;
        continue;
      }
      const name = `${block.day}/${entry.seq} (${entry.type} ${entry.id})`;
      if (entry.seq > seq)
        this.#find(`${block.day}/${seq}: ${counted(entry.seq - seq)} removed before ${name}`);
      const isAdded = entry.seq < seq;
      if (isAdded) this.#find(`${name}: it was added behind ${block.day}/${this.#seq}`);
      else {
        const aligned = hashes.length === lines.length ? index : entry.seq - block.first;
        const stored = hashes[aligned];
        const before = aligned === 0 ? previous : (hashes[aligned - 1] ?? previous);
        if (entry.seq === seq && !(stored && chained(before, line).equals(stored)))
          this.#find(`${name}: it was changed`);
        if (stored) previous = Buffer.from(stored);
        this.#compareAnchor(block.day, entry, stored);
        this.#seq = entry.seq;
      }
      drafts.push(entry);
    }
    const last = block.first + hashes.length - 1;
    if (this.#seq < last) this.#find(`${block.day}/${this.#seq + 1}: ${counted(last - this.#seq)} removed`);
    const { ids, types, subjects, flows, actors } = block;
    if (JSON.stringify(indexed(drafts)) !== JSON.stringify({ ids, types, subjects, flows, actors }))
      this.#find(`${block.day}/${block.first}: what its block is searched by does not fit its entries`);
    this.#hash = hashes.at(-1) ?? this.#hash;
    this.#seq = last;
  }

  #compareAnchor(day: string, { seq }: Entry, stored: Buffer | undefined): void {
    const anchor = this.#anchors.get(`${day}/${seq}`);
    if (!anchor) return;
    this.#anchors.delete(`${day}/${seq}`);
    if (stored?.toString("hex") !== anchor.hash)
      this.#find(
        `${day}/${seq}: it is not what the anchor says: it, or an entry before it, was changed, removed or added`,
      );
  }

  /** @param day only this was looked at */
  end(day: string | undefined, gone: ReadonlySet<string>): void {
    for (const it of this.#anchors.values())
      if (!gone.has(it.day) && (day === undefined || it.day === day))
        this.#find(`${it.day}/${it.seq}: it is missing, and an anchor says that it was there`);
  }

  #find(what: string): void {
    if (this.findings.length < MAX_FINDINGS) this.findings.push(what);
  }
}

const counted = (n: number): string => (n === 1 ? "an entry was" : `${n} entries were`);

function parsed(line: Buffer): Entry | undefined {
  try {
    const value: unknown = JSON.parse(line.toString());
    return typeof value === "object" && value !== null ? (value as Entry) : undefined;
  } catch {
    // Somebody has changed it into something else than JSON, which the caller tells.
    return undefined;
  }
}
