/**
 * What an actor has applied, so that a repeated message is applied once. It holds a set of recent sequence numbers
 * per sender, not a high-water mark. After a high-water mark, a late message would be lost.
 */
import type { Envelope } from "../../../contract/envelope.ts";
import { fieldName } from "../../../mongo/field-name.ts";

/** No message is in transit for longer. In seconds. */
export const KEEP_ARCHIVED_S = 7 * 24 * 60 * 60;

/** How many sequence numbers per sender (and ids of senders without one) are kept. */
export const REMEMBERED = 128;
/** Where message ids of senders without a sequence are kept. A sender's key always contains a slash. */
const IDS = "ids";
export type Stamp = Pick<Envelope, "id" | "sender" | "sequence" | "time">;

export interface InboxEntry {
  /** Sequence numbers or message ids, the oldest first. */
  readonly seen: readonly (number | string)[];
  /** When the newest of them was sent. */
  readonly at: number;
}

/** The form in the database. */
export type StoredInbox = Record<string, InboxEntry>;

/** The sender as a MongoDB field name. */
export function inboxKey(sender: string | undefined): string {
  if (sender === undefined) return IDS;
  return fieldName(sender);
}

function mark(message: Stamp): { key: string; value: number | string } {
  const { sender, sequence, id } = message;
  return sender !== undefined && sequence !== undefined
    ? { key: inboxKey(sender), value: sequence }
    : { key: IDS, value: id };
}

type Entries = ReadonlyMap<string, InboxEntry>;

const NONE: Entries = new Map();

/**
 * The inbox of one version of an actor. A busy actor has hundreds of senders. So a version holds its own changes and
 * shares the rest with the version before it.
 */
export class Inbox {
  readonly #entries: Map<string, InboxEntry>;
  /** These replace the entries of the same senders. */
  #changed: Entries;

  private constructor(entries: Map<string, InboxEntry>, changed: Entries) {
    this.#entries = entries;
    this.#changed = changed;
  }

  static get empty(): Inbox {
    return new Inbox(new Map(), NONE);
  }

  static of(stored: StoredInbox): Inbox {
    return new Inbox(new Map(Object.entries(stored)), NONE);
  }

  /** Number of senders. */
  get size(): number {
    let size = this.#entries.size;
    for (const sender of this.#changed.keys()) if (!this.#entries.has(sender)) size++;
    return size;
  }

  get(sender: string): InboxEntry | undefined {
    return this.#changed.get(sender) ?? this.#entries.get(sender);
  }

  /** Whether the inbox contains the message. */
  has(message: Stamp): boolean {
    const { key, value } = mark(message);
    return this.get(key)?.seen.includes(value) ?? false;
  }

  /** The inbox with these entries instead of those of the same senders. */
  with(changed: Entries): Inbox {
    return new Inbox(this.#entries, this.#changed.size === 0 ? changed : merged(this.#changed, changed));
  }

  without(senders: Iterable<string>): Inbox {
    const left = merged(this.#entries, this.#changed);
    for (const sender of senders) left.delete(sender);
    return new Inbox(left, NONE);
  }

  /**
   * Call it when the version is committed. It takes over the entries that it shares with earlier versions, which must
   * not be used after that.
   */
  settle(): void {
    for (const [sender, entry] of this.#changed) this.#entries.set(sender, entry);
    this.#changed = NONE;
  }

  /** The senders that were silent for the longest time, by the time of their messages. */
  longestSilent(count: number): [sender: string, entry: InboxEntry][] {
    const senders = [...this.#all()].filter(([sender]) => sender !== IDS);
    return senders.sort(([, a], [, b]) => a.at - b.at).slice(0, Math.max(0, count));
  }

  /** Entries that differ from those of `previous`. Undefined for removed senders. */
  *changesSince(previous: Inbox): Iterable<[sender: string, entry: InboxEntry | undefined]> {
    if (this.#entries === previous.#entries && previous.#changed.size === 0) {
      yield* this.#changed;
      return;
    }
    for (const [sender, entry] of this.#all()) if (previous.get(sender) !== entry) yield [sender, entry];
    for (const sender of previous.#all().keys()) if (!this.get(sender)) yield [sender, undefined];
  }

  /** For the database and for tests. */
  toJSON(): StoredInbox {
    return Object.fromEntries(this.#all());
  }

  #all(): Entries {
    return this.#changed.size === 0 ? this.#entries : merged(this.#entries, this.#changed);
  }
}

function merged(entries: Entries, newer: Entries): Map<string, InboxEntry> {
  const all = new Map(entries);
  for (const [sender, entry] of newer) all.set(sender, entry);
  return all;
}

/** Collects what a batch adds to an inbox. */
export class InboxDraft {
  readonly #base: Inbox;
  readonly #archived: Inbox | undefined;
  readonly #changed = new Map<string, { seen: (number | string)[]; at: number }>();

  /** @param archived entries of the archive about the batch's senders */
  constructor(base: Inbox, archived?: Inbox) {
    this.#base = base;
    this.#archived = archived;
  }

  /** Returns the original inbox where nothing was added. */
  finish(): Inbox {
    return this.#changed.size === 0 ? this.#base : this.#base.with(this.#changed);
  }

  get isChanged(): boolean {
    return this.#changed.size > 0;
  }

  has(message: Stamp): boolean {
    const { key, value } = mark(message);
    const own = this.#changed.get(key) ?? this.#base.get(key);
    return (own?.seen.includes(value) || this.#archived?.has(message)) ?? false;
  }

  /** Adds the message, and drops the oldest one of its sender. */
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
