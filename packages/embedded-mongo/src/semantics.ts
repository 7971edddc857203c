/** What filters and updates mean to MongoDB, on plain documents and without a store: for models and simulations in tests. */
import { encode } from "./bson/make.ts";
import { decode } from "./bson/raw.ts";
import { compileFilter } from "./query/match.ts";
import { parseFilter } from "./query/parse.ts";
import { applyOperations } from "./update/apply.ts";
import { parseUpdate } from "./update/parse.ts";

/** @throws what a server would answer to a filter that is wrong */
export function matcherOf(filter: object): (document: object) => boolean {
  const matches = compileFilter(parseFilter(encode(filter)));
  return (document) => matches(encode(document));
}

/** The document as an update with operators leaves it. @throws what a server would answer to an update that is wrong */
export function updated(document: object, change: object): object {
  const update = parseUpdate(encode(change), new Map());
  if (update.kind !== "modify") throw new Error("an update with operators was expected");
  return decode(
    applyOperations(encode(document), update, {
      inserting: false,
      now: Date.now(),
      position: () => undefined,
    }),
  );
}
