/**
 * What an actor's inbox has no room for. An actor that thousands write to would grow with each of them, and its document
 * is rewritten with each commit; so the senders that it has not heard of for the longest time are kept here, in documents
 * of a few hundred, and only a message sent before the newest of them has to be looked for here.
 */

import type { Documents } from "../../../mongo/documents.ts";
import { WriteGroup } from "../../../mongo/write-group.ts";
import { inTime } from "../../../resilience/deadline.ts";
import { Inbox, type InboxEntry, inboxKey, type Stamp, type StoredInbox } from "./inbox.ts";

export interface ArchivedSenders {
  /** Name of the commit that takes them out of the actor's inbox. */
  _id: string;
  actor: string;
  senders: StoredInbox;
  /** When the last of all their messages was sent. */
  until: Date;
  archivedAt: Date;
}

export class InboxArchive {
  readonly #collection: Documents<ArchivedSenders>;
  readonly #writes: WriteGroup;
  readonly #timeoutMs: number;

  /** @param timeoutMs see {@link WriteGroup} */
  constructor(collection: Documents<ArchivedSenders>, timeoutMs: number) {
    this.#collection = collection;
    this.#writes = new WriteGroup(collection, timeoutMs);
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Keeps entries that a commit is about to take out of an inbox. They must be of a version that has been committed: what
   * is here counts as applied, whether the commit takes or not.
   * @param now milliseconds since the epoch
   * @returns the inbox's `inboxUntil` from that commit on, as far as these entries ask for it
   */
  async add(
    actor: string,
    commit: string,
    entries: readonly (readonly [sender: string, entry: InboxEntry])[],
    now: number,
  ): Promise<number> {
    const until = entries.reduce((newest, [, { at }]) => Math.max(newest, at), 0);
    const document: ArchivedSenders = {
      _id: commit,
      actor,
      senders: Object.fromEntries(entries),
      until: new Date(until),
      archivedAt: new Date(now),
    };
    await this.#writes.insert(document);
    return until;
  }

  /** All that is known of the senders of these messages and that may be about them. */
  async find(actor: string, messages: readonly Stamp[]): Promise<Inbox> {
    const senders = [...new Set(messages.map((it) => inboxKey(it.sender)))];
    const since = new Date(Math.min(...messages.map((it) => Date.parse(it.time))));
    const projection = Object.fromEntries(senders.map((it) => [`senders.${it}`, 1]));
    const cursor = this.#collection.find({ actor, until: { $gte: since } }, { projection });
    const found = await inTime(this.#timeoutMs, cursor.toArray());
    const known = new Map<string, InboxEntry>();
    // The same sender may have been archived several times.
    for (const { senders } of found)
      for (const [sender, { seen, at }] of Object.entries(senders ?? {}))
        known.set(sender, { seen: [...(known.get(sender)?.seen ?? []), ...seen], at });
    return Inbox.of(Object.fromEntries(known));
  }
}
