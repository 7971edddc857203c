/** The fast path: filters that name one document by `_id` and compare plain fields with plain values. */
import { Elements, getField, type Raw, Type } from "../bson/raw.ts";
import { equalValues } from "../compare.ts";
import { encodeKey } from "../key-encoding.ts";

export interface IdFilter {
  /** The key of the `_id`. */
  readonly key: Buffer;
  /** Whether the other fields of the filter match. */
  readonly matches: (document: Raw) => boolean;
}

const dot = 0x2e;
const dollar = 0x24;

/** Parses `{_id: value, field: scalar, …}`. Undefined for any other filter. */
export function idFilter(filter: Raw): IdFilter | undefined {
  let key: Buffer | undefined;
  let others: { name: Buffer; value: Raw }[] | undefined;
  const elements = new Elements(filter);
  while (elements.next()) {
    if (!isPlain(elements)) return undefined;
    const { buf, nameStart, nameEnd } = elements;
    const value = elements.value();
    if (
      nameEnd - nameStart === 3 &&
      buf[nameStart] === 0x5f &&
      buf[nameStart + 1] === 0x69 &&
      buf[nameStart + 2] === 0x64
    ) {
      if (key !== undefined) return undefined;
      key = encodeKey(value);
    } else {
      others ??= [];
      others.push({ name: buf.subarray(nameStart, nameEnd), value });
    }
  }
  if (key === undefined) return undefined;
  if (others === undefined) return { key, matches: always };
  const tests = others;
  return { key, matches: (document) => tests.every(({ name, value }) => holds(document, name, value)) };
}

const always = (): boolean => true;

/** A scalar other than null under a name without dots or operators. */
function isPlain(elements: Elements): boolean {
  const { type, buf } = elements;
  if (
    type === Type.object ||
    type === Type.array ||
    type === Type.regex ||
    type === Type.null ||
    type === Type.undefined
  ) {
    return false;
  }
  for (let i = elements.nameStart; i < elements.nameEnd; i++) if (buf[i] === dot) return false;
  return buf[elements.nameStart] !== dollar;
}

function holds(document: Raw, name: Buffer, wanted: Raw): boolean {
  const value = getField(document, name);
  if (value === undefined) return false;
  if (value.type !== Type.array) return equalValues(value, wanted);
  const elements = new Elements(value);
  while (elements.next()) if (equalValues(elements.value(), wanted)) return true;
  return false;
}
