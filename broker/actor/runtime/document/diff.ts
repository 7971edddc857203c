/**
 * The difference of two versions of an actor's document, as MongoDB update operators that touch only what has
 * changed. States are immutable, so an identical object has not changed.
 */

import { touchedKeys } from "../../shared-record.ts";
import type { LoadedActor, OutboxEntry } from "./actor-host.types.ts";
import type { Inbox } from "./inbox.ts";

export interface ActorUpdate {
  $set: Record<string, unknown>;
  $unset?: Record<string, "">;
  $push?: Record<string, { $each: unknown[]; $slice?: number }>;
  $pull?: { outbox: { id: { $in: string[] } } };
}

/**
 * With this many remembered marks or more, new ones are pushed. With fewer, the sender's entry is written as a whole.
 */
const PUSH_FROM = 16;

/**
 * The next document without confirmed entries. One update can't push to and pull from the same array. A push can cut the array to its last n.
 * So where messages are added, only confirmed entries at the front are removed. The others leave later.
 */
export function withoutConfirmed<S>(
  previous: LoadedActor<S>,
  next: LoadedActor<S>,
  confirmed: ReadonlySet<string>,
): LoadedActor<S> {
  if (confirmed.size === 0 || previous.outbox.length === 0) return next;
  if (next.outbox === previous.outbox) {
    const left = next.outbox.filter((it) => !confirmed.has(it.id));
    return left.length === next.outbox.length ? next : { ...next, outbox: left };
  }
  const count = previous.outbox.findIndex((it) => !confirmed.has(it.id));
  const front = count === -1 ? previous.outbox.length : count;
  return front === 0 ? next : { ...next, outbox: next.outbox.slice(front) };
}

/**
 * The update that turns `previous` into `next`. Its outbox may have new entries at the end and fewer at the front.
 * Or it has only fewer entries, anywhere.
 * @param maps fields of the state that are written by key
 * @throws when a key of such a field can't be a MongoDB field name
 */
export function diff<S extends object>(
  previous: LoadedActor<S>,
  next: LoadedActor<S>,
  maps: readonly string[] = [],
): ActorUpdate {
  const update: ActorUpdate = { $set: { version: next.version, commit: next.commit } };
  if (next.sent !== previous.sent) update.$set.sent = next.sent;
  if (next.timers !== previous.timers) update.$set.timers = next.timers;
  if (next.state !== previous.state) {
    const [before, after] = [previous.stored ?? previous.state, next.stored ?? next.state];
    diffState(before, after, maps, update);
  }
  if (next.inboxUntil !== previous.inboxUntil) update.$set.inboxUntil = next.inboxUntil;
  if (next.inbox !== previous.inbox) diffInbox(previous.inbox, next.inbox, update);
  if (next.outbox !== previous.outbox) diffOutbox(previous.outbox, next.outbox, update);
  return update;
}

type Fields = Record<string, unknown>;

function diffState(previous: object, next: object, maps: readonly string[], update: ActorUpdate): void {
  const before = previous as Fields;
  const after = next as Fields;
  for (const field of Object.keys(after)) {
    const [old, value] = [before[field], after[field]];
    if (value === old) continue;
    if (maps.includes(field) && isMap(value)) {
      const touched = isMap(old) ? touchedKeys(old, value) : undefined;
      if (touched) {
        diffKeys(field, old as Fields, value, touched, update);
        continue;
      }
      checkKeys(field, value, old);
      if (isMap(old)) diffMap(field, old, value, update);
      else write(update, `state.${field}`, value);
    } else write(update, `state.${field}`, value);
  }
  for (const field of Object.keys(before)) if (!(field in after)) write(update, `state.${field}`, undefined);
}

/** The changed keys are known, so the other keys cost nothing. */
function diffKeys(
  field: string,
  before: Fields,
  after: Fields,
  keys: ReadonlySet<string>,
  update: ActorUpdate,
): void {
  for (const key of keys) {
    const [was, is] = [before, after].map((it) => (Object.hasOwn(it, key) ? it[key] : undefined));
    if (was === is) continue;
    if (was === undefined) checkKey(field, key);
    write(update, `state.${field}.${key}`, is);
  }
}

function diffMap(field: string, before: Fields, after: Fields, update: ActorUpdate): void {
  for (const key of Object.keys(after)) {
    if (Object.hasOwn(before, key) && after[key] === before[key]) continue;
    write(update, `state.${field}.${key}`, after[key]);
  }
  for (const key of Object.keys(before))
    if (!Object.hasOwn(after, key)) write(update, `state.${field}.${key}`, undefined);
}

/** @throws when a key of one of the `maps` of a new state can't be a MongoDB field name */
export function checkMaps(state: object, maps: readonly string[] = []): void {
  for (const field of maps) {
    const value = (state as Fields)[field];
    if (isMap(value)) checkKeys(field, value);
  }
}

function checkKeys(field: string, map: Fields, known?: unknown): void {
  for (const key of Object.keys(map)) if (!(isMap(known) && Object.hasOwn(known, key))) checkKey(field, key);
}

function checkKey(field: string, key: string): void {
  if (key === "" || /^\$|[.\0]/.test(key))
    throw new Error(`${JSON.stringify(key)} can't be a key of ${field}`);
}

function diffInbox(before: Inbox, after: Inbox, update: ActorUpdate): void {
  for (const [sender, entry] of after.changesSince(before)) {
    const old = before.get(sender);
    const added = entry && old && old.seen.length >= PUSH_FROM ? addedMarks(old.seen, entry.seen) : undefined;
    if (entry === undefined || added === undefined) write(update, `inbox.${sender}`, entry);
    else {
      update.$set[`inbox.${sender}.at`] = entry.at;
      update.$push ??= {};
      update.$push[`inbox.${sender}.seen`] = { $each: added, $slice: -entry.seen.length };
    }
  }
}

/** The marks of `after` that follow the last mark of `before`. Undefined where that one is gone. */
function addedMarks<M>(before: readonly M[], after: readonly M[]): M[] | undefined {
  const last = after.lastIndexOf(before[before.length - 1] as M);
  return last === -1 ? undefined : after.slice(last + 1);
}

function diffOutbox(
  before: readonly OutboxEntry[],
  after: readonly OutboxEntry[],
  update: ActorUpdate,
): void {
  const last = before[before.length - 1];
  const kept = last === undefined ? -1 : after.lastIndexOf(last);
  const added = kept === -1 ? after.filter((it) => !before.includes(it)) : after.slice(kept + 1);
  const removed = before.length - (after.length - added.length);
  if (added.length) {
    update.$push ??= {};
    // Another node may have pulled some of them. Cutting to the last n keeps all that are still to be sent.
    update.$push.outbox = removed ? { $each: added, $slice: -after.length } : { $each: added };
  } else if (removed) {
    const left = new Set(after);
    update.$pull = { outbox: { id: { $in: before.filter((it) => !left.has(it)).map((it) => it.id) } } };
  }
}

function write(update: ActorUpdate, path: string, value: unknown): void {
  if (value !== undefined) update.$set[path] = value;
  else {
    update.$unset ??= {};
    update.$unset[path] = "";
  }
}

function isMap(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}
