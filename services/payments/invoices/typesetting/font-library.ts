/** Fonts for clusters of characters. Files are read and unpacked when a text first needs them, and kept. */
import { readFile } from "node:fs/promises";
import { Blob, Face, Font, Variation } from "harfbuzzjs";
import { LRUCache } from "lru-cache";
import decompress from "woff2-encoder/decompress";
import { EMOJI, familiesFor, type Han, isIn, type Slice, slicesOf } from "./font-families.ts";

export type Weight = 400 | 600;

/** One file of a typeface, unpacked, in both weights. */
export interface OpenFont {
  path: string;
  /** TrueType. */
  bytes: Uint8Array;
  unitsPerEm: number;
  hasWeights: boolean;
  /** Whether it is the font of emoji. */
  hasPictures: boolean;
  fonts: Readonly<Record<Weight, Font>>;
  has(codePoint: number): boolean;
}

/** Kept files. Each takes 0.1 to 2 MB. */
const MAX_OPEN = 48;
const MAX_CLUSTERS = 20_000;

/** Stands for a character that no font has. */
export const MISSING = "\ufffd";

export interface FontLibrary {
  /** The font for a cluster of characters, or undefined where no font has them all. */
  fontFor(cluster: string, han: Han): OpenFont | undefined;
}

const open = new LRUCache<string, OpenFont>({ max: MAX_OPEN });

/**
 * Opens what a document needs.
 * @param clusters all of the document
 */
export async function openLibrary(clusters: Iterable<string>, han: Han): Promise<FontLibrary> {
  const found = new Map<string, OpenFont | undefined>();
  for (const cluster of [MISSING, ...clusters]) {
    if (found.has(cluster) || found.size >= MAX_CLUSTERS) continue;
    found.set(cluster, await search(cluster, han));
  }
  return { fontFor: (cluster) => found.get(cluster) };
}

async function search(cluster: string, han: Han): Promise<OpenFont | undefined> {
  const codePoints = shaped(cluster);
  const [first] = codePoints;
  if (first === undefined) return undefined;
  for (const family of familiesFor(cluster, han))
    for (const slice of slicesOf(family)) {
      if (!isIn(slice, first)) continue;
      const font = await opened(slice, family);
      if (codePoints.every(font.has)) return font;
    }
  return undefined;
}

/** Code points that a font must have. Joiners and variation selectors only choose a shape. */
const shaped = (cluster: string): number[] =>
  Array.from(cluster, (it) => it.codePointAt(0) ?? 0).filter((it) => !isSelector(it));

export const isSelector = (codePoint: number): boolean =>
  codePoint === 0x200c || codePoint === 0x200d || (codePoint >= 0xfe00 && codePoint <= 0xfe0f);

async function opened({ path }: Slice, family: string): Promise<OpenFont> {
  const found = open.get(path);
  if (found) return found;
  const bytes = await decompress(await readFile(path));
  const face = new Face(new Blob(bytes));
  const hasWeights = "wght" in face.getAxisInfos();
  const fontOf = (weight: Weight) => {
    const font = new Font(face);
    if (hasWeights) font.setVariations([new Variation("wght", weight)]);
    return font;
  };
  const known = new Set(face.collectUnicodes());
  const made: OpenFont = {
    path,
    bytes,
    unitsPerEm: face.upem,
    hasWeights,
    hasPictures: family === EMOJI,
    fonts: { 400: fontOf(400), 600: fontOf(600) },
    has: (codePoint) => known.has(codePoint),
  };
  open.set(path, made);
  return made;
}
