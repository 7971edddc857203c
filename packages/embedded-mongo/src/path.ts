/** Dotted paths, split once and cached. */

export interface PathPart {
  readonly text: string;
  readonly bytes: Buffer;
  /** The array position that the part names, or -1. */
  readonly index: number;
}

/** Paths are equal when their `text` is. The objects may differ. */
export interface Path {
  readonly text: string;
  readonly parts: readonly PathPart[];
}

/** True when one of two paths leads to, or through, the value of the other. */
export function overlap(a: Path, b: Path): boolean {
  const shared = Math.min(a.parts.length, b.parts.length);
  for (let i = 0; i < shared; i++) if (a.parts[i]?.text !== b.parts[i]?.text) return false;
  return true;
}

const known = new Map<string, Path>();
/** Some paths end with a name of their own for each document, so that there is no end to them. */
const knownLimit = 1000;
/** Longer paths are rare, and could be a client's attempt to fill memory. */
const longestKept = 200;

/** A dotted path as its parts. Paths are few, so they are cached (up to a bound). */
export function parsePath(path: string): Path {
  const found = known.get(path);
  if (found !== undefined) return found;
  const parts = path.split(".").map(parsePart);
  const made = { text: path, parts };
  if (known.size >= knownLimit) known.clear();
  if (path.length <= longestKept) known.set(path, made);
  return made;
}

function parsePart(text: string): PathPart {
  return {
    text,
    bytes: ownBytes(text),
    index: /^(0|[1-9]\d{0,8})$/.test(text) ? Number(text) : -1,
  };
}

const encoder = new TextEncoder();

/** Not a slice of Node's pool: each would keep 64 KB of it. */
function ownBytes(text: string): Buffer {
  const { buffer, byteOffset, byteLength } = encoder.encode(text);
  return Buffer.from(buffer, byteOffset, byteLength);
}
