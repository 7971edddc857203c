/**
 * What an actor has applied, so that a message that comes twice is applied once. Per sender the set of the
 * sequence numbers seen last, not a high-water mark: after a high-water mark a late message would be lost.
 */
import type { Envelope } from "../bus/envelope.ts";

/** How many sequence numbers per sender (and ids of senders without one) are remembered. */
export const REMEMBERED = 128;
/** A sender not heard of for so long is forgotten: no message stays under way that long. In milliseconds. */
export const FORGET_AFTER_MS = 7 * 24 * 60 * 60 * 1000;
/** Beyond so many the longest silent are forgotten, so that the document stays far below what MongoDB takes. */
export const MAX_SENDERS = 20_000;
/** Where the message ids of senders without a sequence are kept; a sender's key always has a slash. */
const IDS = "ids";
/**
 * Senders whose entries are kept apart from the many others, so that a new version copies few: at least so many, and
 * more where merging them with the others costs more.
 */
const MIN_RECENT = 64;

type Stamp = Pick<Envelope, "id" | "sender" | "sequence" | "time">;

export interface InboxEntry {
  /** Sequence numbers or message ids, the oldest first. */
  readonly seen: readonly (number | string)[];
  /** When the last of them was sent. */
  readonly at: number;
}

/** As it is in the database. */
export type StoredInbox = Record<string, InboxEntry>;

/** The sender as a field name of MongoDB: without dots and dollars. */
export function inboxKey(sender: string | undefined): string {
  if (sender === undefined) return IDS;
  return /[.$%\0]/.test(sender)
    ? sender.replace(/[.$%\0]/g, (it) => encodeURIComponent(it).replace(".", "%2E"))
    : sender;
}

function mark(message: Stamp): { key: string; value: number | string } {
  const { sender, sequence, id } = message;
  return sender !== undefined && sequence !== undefined
    ? { key: inboxKey(sender), value: sequence }
    : { key: IDS, value: id };
}

type Entries = ReadonlyMap<string, InboxEntry>;

/** How one version came from the one before. */
interface Step {
  readonly from: object;
  readonly changed: Entries;
  readonly forgotten: readonly string[];
}

/**
 * An immutable inbox. A busy actor has thousands of senders, so versions share them, and only the recent ones are copied
 * from one to the next.
 */
export class Inbox {
  static readonly empty = new Inbox(new Map(), new Map(), undefined);
  readonly #settled: Entries;
  /** Newer than the settled ones of the same sender. */
  readonly #recent: Entries;
  readonly #step: Step | undefined;
  /** Stands for this version in the next one's step, which must not keep all versions before it alive. */
  readonly #token = {};

  private constructor(settled: Entries, recent: Entries, step: Step | undefined) {
    this.#settled = settled;
    this.#recent = recent;
    this.#step = step;
  }

  static of(stored: StoredInbox): Inbox {
    return new Inbox(new Map(Object.entries(stored)), new Map(), undefined);
  }

  get(sender: string): InboxEntry | undefined {
    return this.#recent.get(sender) ?? this.#settled.get(sender);
  }

  /** Whether the message has been applied before, as far as is remembered. */
  has(message: Stamp): boolean {
    const { key, value } = mark(message);
    return this.get(key)?.seen.includes(value) ?? false;
  }

  /** With these entries, and without senders of long ago. */
  with(changed: Entries): Inbox {
    const step = { from: this.#token, changed };
    const recent = merged(this.#recent, changed);
    if (recent.size <= Math.max(MIN_RECENT, 2 * Math.sqrt(this.#settled.size)))
      return new Inbox(this.#settled, recent, { ...step, forgotten: [] });
    const settled = merged(this.#settled, recent);
    const forgotten = forget(settled);
    return new Inbox(settled, new Map(), { ...step, forgotten });
  }

  /** Entries that are not those of `previous`; undefined for senders that have been forgotten since. */
  *changesSince(previous: Inbox): Iterable<[sender: string, entry: InboxEntry | undefined]> {
    if (previous === this) return;
    if (this.#step?.from === previous.#token) {
      const { changed, forgotten } = this.#step;
      for (const [sender, entry] of changed) if (this.get(sender)) yield [sender, entry];
      for (const sender of forgotten) if (previous.get(sender)) yield [sender, undefined];
      return;
    }
    for (const [sender, entry] of this.#all()) if (previous.get(sender) !== entry) yield [sender, entry];
    for (const sender of previous.#all().keys()) if (!this.get(sender)) yield [sender, undefined];
  }

  /** For the database, and for tests. */
  toJSON(): StoredInbox {
    return Object.fromEntries(this.#all());
  }

  #all(): Entries {
    return this.#recent.size === 0 ? this.#settled : merged(this.#settled, this.#recent);
  }
}

function merged(entries: Entries, newer: Entries): Map<string, InboxEntry> {
  const all = new Map(entries);
  for (const [sender, entry] of newer) all.set(sender, entry);
  return all;
}

/** @returns the senders that it has taken out */
function forget(entries: Map<string, InboxEntry>): string[] {
  let newest = 0;
  for (const { at } of entries.values()) newest = Math.max(newest, at);
  const old: string[] = [];
  for (const [sender, { at }] of entries) if (at < newest - FORGET_AFTER_MS) old.push(sender);
  // A tenth more than needed, so that not every change has to look for the oldest.
  const forgotten =
    entries.size - old.length > MAX_SENDERS ? longestSilent(entries, entries.size - MAX_SENDERS * 0.9) : old;
  for (const sender of forgotten) entries.delete(sender);
  return forgotten;
}

const longestSilent = (entries: Entries, count: number): string[] =>
  [...entries]
    .sort(([, a], [, b]) => a.at - b.at)
    .slice(0, count)
    .map(([sender]) => sender);

/** Collects what a batch adds to an inbox. */
export class InboxDraft {
  readonly #base: Inbox;
  readonly #changed = new Map<string, { seen: (number | string)[]; at: number }>();

  constructor(base: Inbox) {
    this.#base = base;
  }

  /** The inbox that it started from where nothing was added. */
  finish(): Inbox {
    return this.#changed.size === 0 ? this.#base : this.#base.with(this.#changed);
  }

  get isChanged(): boolean {
    return this.#changed.size > 0;
  }

  has(message: Stamp): boolean {
    const { key, value } = mark(message);
    return (this.#changed.get(key) ?? this.#base.get(key))?.seen.includes(value) ?? false;
  }

  /** Remembers the message, and forgets the oldest of its sender. */
  add(message: Stamp): void {
    const { key, value } = mark(message);
    const time = Date.parse(message.time);
    const own = this.#changed.get(key);
    if (own) {
      own.seen.push(value);
      if (own.seen.length > REMEMBERED) own.seen.splice(0, own.seen.length - REMEMBERED);
      own.at = Math.max(own.at, time);
      return;
    }
    const entry = this.#base.get(key);
    const seen = entry ? [...entry.seen.slice(1 - REMEMBERED), value] : [value];
    this.#changed.set(key, { seen, at: Math.max(entry?.at ?? 0, time) });
  }
}
