/**
 * An extension imports `souk`, `souk/contracts` and `souk/testing`. It always gets the Souk that loads it, because
 * two copies would have two registries of contracts. So a clone of Souk can run an extension without a build.
 */
import { registerHooks } from "node:module";
import { extname } from "node:path";

const own = extname(import.meta.url);
const ENTRIES: ReadonlyMap<string, string> = new Map([
  ["souk", `./index${own}`],
  ["souk/contracts", `./contracts${own}`],
  ["souk/testing", `./testing${own}`],
]);

registerHooks({
  resolve(specifier, context, next) {
    const entry = ENTRIES.get(specifier);
    return next(entry === undefined ? specifier : new URL(entry, import.meta.url).href, context);
  },
});
