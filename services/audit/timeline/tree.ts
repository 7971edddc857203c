/** The tree of messages by their causes, as a list in which each comes before what it has caused. */
import type { Entry } from "../log/block.ts";

export type Caused = Pick<Entry, "id" | "causationid" | "sender" | "sequence">;

export interface Placed<E extends Caused> {
  readonly entry: E;
  readonly depth: number;
  /** It names a cause that is not there. */
  readonly causeMissing: boolean;
  /** Numbers of its sender that are not there, between the last one before it and its own. */
  readonly missingBefore: number;
}

/**
 * Each entry once, for any input: messages that name each other as causes stand at the top.
 * @param entries in the order of the log, each id once
 * @param isComplete whether all messages of a sender should be there
 */
export function treeOf<E extends Caused>(
  entries: readonly E[],
  isComplete: (sender: string) => boolean,
): Placed<E>[] {
  const known = new Set(entries.map((it) => it.id));
  const missing = missingNumbers(entries, isComplete);
  const children = new Map<string, E[]>();
  const roots: E[] = [];
  for (const it of entries) {
    const cause = it.causationid;
    if (cause === undefined || cause === it.id || !known.has(cause)) roots.push(it);
    else {
      const siblings = children.get(cause);
      if (siblings) siblings.push(it);
      else children.set(cause, [it]);
    }
  }
  const placed: Placed<E>[] = [];
  const seen = new Set<string>();
  const place = (root: E) => {
    const open = [{ entry: root, depth: 0 }];
    for (let next = open.pop(); next; next = open.pop()) {
      const { entry, depth } = next;
      if (seen.has(entry.id)) continue;
      seen.add(entry.id);
      const { id, causationid: cause } = entry;
      const causeMissing = cause !== undefined && !known.has(cause);
      placed.push({ entry, depth, causeMissing, missingBefore: missing.get(id) ?? 0 });
      for (const child of (children.get(id) ?? []).toReversed())
        open.push({ entry: child, depth: depth + 1 });
    }
  };
  for (const root of roots) place(root);
  // Only what is in a ring, or below one, is left.
  for (const it of entries) if (!seen.has(it.id)) place(it);
  return placed;
}

/** By message: how many numbers of its sender are missing before it. Numbers begin at 1. */
function missingNumbers(
  entries: readonly Caused[],
  isComplete: (sender: string) => boolean,
): Map<string, number> {
  const bySender = new Map<string, { id: string; sequence: number }[]>();
  for (const { id, sender, sequence } of entries) {
    if (sender === undefined || sequence === undefined || !isComplete(sender)) continue;
    const sent = bySender.get(sender) ?? [];
    sent.push({ id, sequence });
    bySender.set(sender, sent);
  }
  const missing = new Map<string, number>();
  for (const sent of bySender.values()) {
    let last = 0;
    for (const { id, sequence } of sent.sort((a, b) => a.sequence - b.sequence)) {
      if (sequence > last + 1) missing.set(id, sequence - last - 1);
      last = sequence;
    }
  }
  return missing;
}
