/**
 * The archive: inbox entries for which an actor's document has no room. An actor with thousands of senders would grow
 * without limit, and its document is rewritten with each commit. So the senders that were silent for the longest time
 * move here, in documents of a few hundred. Only a message sent before the newest archived one must be looked up
 * here.
 */

import type { Documents } from "../../../mongo/documents.ts";
import { WriteGroup } from "../../../mongo/write-group.ts";
import { inTime } from "../../../resilience/deadline.ts";
import { Inbox, type InboxEntry, inboxKey, type Stamp, type StoredInbox } from "./inbox.ts";

export interface ArchivedSenders {
  /** Name of the commit that removes them from the actor's inbox. */
  _id: string;
  actor: string;
  senders: StoredInbox;
  /** When the newest of their messages was sent. */
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
   * Stores entries that a commit is about to remove from an inbox. They must belong to a committed version: archived
   * entries count as applied, even if the commit fails.
   * @param now milliseconds since the epoch
   * @returns the lower bound for the inbox's `inboxUntil` from that commit on
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

  /** All archived entries about the senders of these messages that could contain them. */
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
