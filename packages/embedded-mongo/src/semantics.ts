/**
 * MongoDB's meaning of filters and updates on plain documents, without a store. For models and simulations in tests.
 */
import { encode } from "./bson/make.ts";
import { decode } from "./bson/raw.ts";
import { compileFilter } from "./query/match.ts";
import { parseFilter } from "./query/parse.ts";
import { applyOperations } from "./update/apply.ts";
import { parseUpdate } from "./update/parse.ts";

/** @throws the error of a server for a wrong filter */
export function matcherOf(filter: object): (document: object) => boolean {
  const matches = compileFilter(parseFilter(encode(filter)));
  return (document) => matches(encode(document));
}

/** The document after an update with operators. @throws the error of a server for a wrong update */
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
