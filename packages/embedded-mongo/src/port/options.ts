/** Which calls of the driver's collection can be sent directly. The driver makes all others. */
import type { Document } from "mongodb";

/** True where no option is set but these. */
export function hasOnly(options: Document, known: ReadonlySet<string>): boolean {
  for (const name in options) if (options[name] != null && !known.has(name)) return false;
  return true;
}

export const names = (text: string): ReadonlySet<string> => new Set(text.split(" "));

/** A document, not an array or a BSON value such as an id. */
export const isDocument = (it: unknown): it is Document =>
  typeof it === "object" && it !== null && !Array.isArray(it) && !("_bsontype" in it);

/** An update with operators. Other updates, and those without any, are the driver's to judge. */
export function isUpdate(it: unknown): it is Document {
  if (!isDocument(it)) return false;
  const operators = Object.keys(it);
  return operators[0]?.startsWith("$") === true && operators.every((name) => it[name] !== undefined);
}

export const isReplacement = (it: unknown): it is Document =>
  isDocument(it) && !Object.keys(it).some((name) => name.startsWith("$"));

const isOrder = (it: unknown): boolean => it === 1 || it === -1 || (isDocument(it) && "$meta" in it);

/** A sort order in the form of the command. */
export const isSort = (it: unknown): boolean =>
  it instanceof Map ? [...it.values()].every(isOrder) : isDocument(it) && Object.values(it).every(isOrder);
