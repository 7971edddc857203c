/**
 * A block of the log: up to 500 messages in one document. So it is written as a whole or not at all, and there is no
 * moment at which an entry is stored and the chain does not know it.
 */
import { Binary } from "mongodb";
import type { Sealed } from "../personal/seal.ts";
import { chained, HASH_BYTES } from "./chain.ts";

/** One entry, as it stands in a block's body: a line of JSON. Its bytes are what is hashed. */
export interface Entry {
  /** Counts the entries of the day, from 1. */
  readonly seq: number;
  readonly recordedAt: string;
  /** See `Tapped`. */
  readonly applied?: true;
  readonly id: string;
  readonly type: string;
  readonly source: string;
  readonly subject: string;
  readonly time: string;
  readonly sender?: string | undefined;
  readonly sequence?: number | undefined;
  readonly traceparent?: string | undefined;
  readonly correlationid?: string | undefined;
  readonly causationid?: string | undefined;
  /** Who did it, where the message says what a person did. */
  readonly actor?: string;
  /** Either the data, or the data under the key of the person whose it is. */
  readonly data?: unknown;
  readonly sealed?: Sealed;
}

/** What stands in a line before its place is known. */
export type Draft = Omit<Entry, "seq" | "recordedAt">;

export interface Block {
  /** Counts all blocks of the log. The next one can be written once only. */
  _id: number;
  /** Day of the recording, in UTC. */
  day: string;
  /** `seq` of the first entry. */
  first: number;
  at: Date;
  /** Of all entries, for the unique index. */
  ids: string[];
  /** Each value once, for the indexes. */
  types: string[];
  subjects: string[];
  flows: string[];
  actors: string[];
  /** Hash before the first entry. */
  prev: Binary;
  /** Hashes of the entries, one after the other. */
  hashes: Binary;
  /** The entries, one line each. */
  body: Binary;
}

/** The end of the log. */
export interface Head {
  readonly block: number;
  readonly day: string;
  readonly seq: number;
  readonly at: number;
  readonly hash: Buffer;
}

/** The block of these entries behind `head`. @param prev hash before the first entry */
export function blockOf(
  drafts: readonly Draft[],
  place: { _id: number; day: string; first: number; at: number },
  prev: Buffer,
): Block {
  const recordedAt = new Date(place.at).toISOString();
  const lines: Buffer[] = [];
  const hashes: Buffer[] = [];
  let hash = prev;
  for (const [index, draft] of drafts.entries()) {
    const line = Buffer.from(JSON.stringify({ seq: place.first + index, recordedAt, ...draft }));
    hash = chained(hash, line);
    lines.push(line, NEWLINE);
    hashes.push(hash);
  }
  return {
    ...place,
    at: new Date(place.at),
    ...indexed(drafts),
    prev: new Binary(prev),
    hashes: new Binary(Buffer.concat(hashes)),
    body: new Binary(Buffer.concat(lines)),
  };
}

/** What the indexes have of entries. A verification makes it again. */
export const indexed = (drafts: readonly Draft[]) => ({
  ids: drafts.map((it) => it.id),
  types: distinct(drafts.map((it) => it.type)),
  subjects: distinct(drafts.map((it) => it.subject)),
  flows: distinct(drafts.flatMap((it) => it.correlationid ?? [])),
  actors: distinct(drafts.flatMap((it) => it.actor ?? [])),
});

const NEWLINE = Buffer.from("\n");
const distinct = (values: readonly string[]): string[] => [...new Set(values)];

/** The bytes of the entries. */
export function linesOf({ body }: Pick<Block, "body">): Buffer[] {
  const bytes = Buffer.from(body.value());
  const lines: Buffer[] = [];
  for (let from = 0; from < bytes.length; ) {
    const end = bytes.indexOf(0x0a, from);
    const to = end < 0 ? bytes.length : end;
    lines.push(bytes.subarray(from, to));
    from = to + 1;
  }
  return lines;
}

/** The entries. @throws SyntaxError where somebody has changed a line into something else than JSON */
export const entriesOf = (block: Pick<Block, "body">): Entry[] =>
  linesOf(block).map((it) => JSON.parse(it.toString()) as Entry);

export function hashesOf({ hashes }: Pick<Block, "hashes">): Buffer[] {
  const bytes = Buffer.from(hashes.value());
  return Array.from({ length: Math.ceil(bytes.length / HASH_BYTES) }, (_, i) =>
    bytes.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES),
  );
}

/** The end of the log, where this is its last block. */
export function headOf(block: Block): Head {
  const hashes = hashesOf(block);
  return {
    block: block._id,
    day: block.day,
    seq: block.first + hashes.length - 1,
    at: block.at.getTime(),
    hash: hashes.at(-1) ?? Buffer.from(block.prev.value()),
  };
}
