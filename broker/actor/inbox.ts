/**
 * What an actor has applied, so that a message that comes twice is applied once. Per sender the set of the
 * sequence numbers seen last, not a high-water mark: after a high-water mark a late message would be lost.
 */
import type { Envelope } from "../bus/envelope.ts";
import type { ActorInbox } from "./actor-host.types.ts";

/** How many sequence numbers per sender (and ids of senders without one) are remembered. */
export const REMEMBERED = 128;
/** A sender not heard of for so long is forgotten: no message stays under way that long. In milliseconds. */
export const FORGET_AFTER_MS = 7 * 24 * 60 * 60 * 1000;
/** Where the message ids of senders without a sequence are kept; a sender's key always has a slash. */
const IDS = "ids";
/** Old senders are looked for each time so many new ones have come. */
const PRUNE_EVERY = 32;

type Stamp = Pick<Envelope, "id" | "sender" | "sequence" | "time">;

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

/** Whether the message has been applied before, as far as is remembered. */
export function isRepeated(inbox: ActorInbox, message: Stamp): boolean {
  const { key, value } = mark(message);
  return Object.hasOwn(inbox, key) && (inbox[key]?.seen.includes(value) ?? false);
}

/** Collects what a batch adds to an inbox; the inbox that it started from stays as it is. */
export class InboxDraft {
  #inbox: ActorInbox;
  readonly #base: ActorInbox;
  readonly #own = new Set<string>();

  constructor(base: ActorInbox) {
    this.#base = base;
    this.#inbox = base;
  }

  get inbox(): ActorInbox {
    return this.#inbox;
  }

  has(message: Stamp): boolean {
    return isRepeated(this.#inbox, message);
  }

  /** Remembers the message, and forgets the oldest of its sender and senders of long ago. */
  add(message: Stamp): void {
    const { key, value } = mark(message);
    const time = Date.parse(message.time);
    if (this.#inbox === this.#base) this.#inbox = { ...this.#base };
    const entry = Object.hasOwn(this.#inbox, key) ? this.#inbox[key] : undefined;
    if (entry && this.#own.has(key)) {
      entry.seen.push(value);
      if (entry.seen.length > REMEMBERED) entry.seen.splice(0, entry.seen.length - REMEMBERED);
      entry.at = Math.max(entry.at, time);
      return;
    }
    const seen = entry ? [...entry.seen.slice(1 - REMEMBERED), value] : [value];
    this.#inbox[key] = { seen, at: Math.max(entry?.at ?? 0, time) };
    this.#own.add(key);
    if (!entry) this.#prune(time);
  }

  #prune(now: number): void {
    const senders = Object.keys(this.#inbox);
    if (senders.length % PRUNE_EVERY !== 0) return;
    for (const sender of senders) {
      const entry = this.#inbox[sender];
      if (entry && entry.at < now - FORGET_AFTER_MS) {
        delete this.#inbox[sender];
        this.#own.delete(sender);
      }
    }
  }
}
