/** Removes documents that have expired by a TTL index, and idle cursors and sessions. */
import { dateRaw } from "./bson/make.ts";

import { parsePath } from "./path.ts";
import { run } from "./plan/run-query.ts";
import { noDeadline, pause } from "./query/deadline.ts";
import type { Collection } from "./storage/collection.ts";
import type { Index } from "./storage/index.ts";
import type { Store } from "./store.ts";

/** Maximum number of documents that one sweep removes per index. The next sweep continues. */
const sweepLimit = 1000;

/** Removes expired documents. Returns their number. */
export function sweep(store: Store): number {
  const now = store.clock();
  store.cursors.sweep(now);
  if (store.retries.sweep(now) > 0) store.wrote = true;
  let removed = 0;
  for (const collection of store.catalog.all()) {
    for (const index of collection.indexes) {
      if (index.expireAfterSeconds !== undefined)
        removed += expire(collection, index, index.expireAfterSeconds, now);
    }
  }
  if (removed > 0) store.wrote = true;
  return removed;
}

function expire(collection: Collection, index: Index, seconds: number, now: number): number {
  const field = index.fields[0];
  if (field === undefined) return 0;
  const until = { op: "lte", value: dateRaw(now - seconds * 1000) } as const;
  const running = run(collection, {
    filter: { kind: "field", path: parsePath(field.path.text), test: until },
    sort: [],
    skip: 0,
    limit: sweepLimit,
    hint: index,
    expressions: () => () => true,
    deadline: noDeadline,
  });
  const gone = [];
  for (let found = running.next(); found !== undefined; found = running.next())
    if (found !== pause) gone.push(found);
  for (const stored of gone) collection.remove(stored);
  return gone.length;
}
