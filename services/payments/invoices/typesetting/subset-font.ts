/** The part of a font that a document uses, by HarfBuzz's subsetter. It has no wrapper for JavaScript. */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { z } from "zod";
import type { OpenFont, Weight } from "./font-library.ts";

const fn = z.custom<(...args: number[]) => number>((it) => typeof it === "function");
const subsetter = z.object({
  memory: z.custom<{ readonly buffer: ArrayBuffer }>((it) => it instanceof Object && "buffer" in it),
  _initialize: fn,
  malloc: fn,
  free: fn,
  hb_blob_create: fn,
  hb_blob_destroy: fn,
  hb_blob_get_data: fn,
  hb_blob_get_length: fn,
  hb_face_create: fn,
  hb_face_destroy: fn,
  hb_face_reference_blob: fn,
  hb_set_add: fn,
  hb_set_del: fn,
  hb_set_clear: fn,
  hb_set_invert: fn,
  hb_subset_input_create_or_fail: fn,
  hb_subset_input_destroy: fn,
  hb_subset_input_glyph_set: fn,
  hb_subset_input_set: fn,
  hb_subset_input_set_flags: fn,
  hb_subset_input_pin_axis_location: fn,
  hb_subset_or_fail: fn,
});
type Subsetter = z.output<typeof subsetter>;
/** The part of the global that is used. TypeScript has its types only for browsers. */
const engine = z.object({
  instantiate: z.custom<(code: Buffer) => Promise<{ instance: { exports: unknown } }>>(
    (it) => typeof it === "function",
  ),
});

const WRITABLE = 2;
/** Glyphs keep their numbers, hints are dropped, and no glyph is added for the sake of ligatures. */
const FLAGS = 0x1 | 0x2 | 0x200;
const DROPPED_TABLES = 3;
/** What a reader of PDFs needs of a font. */
const KEPT = [
  "cvt ",
  "fpgm",
  "glyf",
  "head",
  "hhea",
  "hmtx",
  "loca",
  "maxp",
  "prep",
  "fvar",
  "gvar",
  "avar",
  "HVAR",
];

let loaded: Promise<Subsetter> | undefined;

/** @returns TrueType with these glyphs in one weight; the others are empty */
export async function subsetFont(font: OpenFont, weight: Weight, glyphs: Iterable<number>): Promise<Buffer> {
  loaded ??= load();
  const hb = await loaded;
  const { bytes } = font;
  const data = hb.malloc(bytes.length);
  new Uint8Array(hb.memory.buffer).set(bytes, data);
  const blob = hb.hb_blob_create(data, bytes.length, WRITABLE, 0, 0);
  const face = hb.hb_face_create(blob, 0);
  const input = hb.hb_subset_input_create_or_fail();
  let made = 0;
  try {
    hb.hb_subset_input_set_flags(input, FLAGS);
    const used = hb.hb_subset_input_glyph_set(input);
    for (const glyph of glyphs) hb.hb_set_add(used, glyph);
    const dropped = hb.hb_subset_input_set(input, DROPPED_TABLES);
    hb.hb_set_clear(dropped);
    hb.hb_set_invert(dropped);
    for (const table of KEPT) hb.hb_set_del(dropped, tag(table));
    if (font.hasWeights) hb.hb_subset_input_pin_axis_location(input, face, tag("wght"), weight);
    made = hb.hb_subset_or_fail(face, input);
    if (made === 0) throw new Error(`${font.path} can't be subset`);
    const result = hb.hb_face_reference_blob(made);
    const at = hb.hb_blob_get_data(result, 0);
    const subset = Buffer.from(new Uint8Array(hb.memory.buffer, at, hb.hb_blob_get_length(result)));
    hb.hb_blob_destroy(result);
    return subset;
  } finally {
    if (made !== 0) hb.hb_face_destroy(made);
    hb.hb_subset_input_destroy(input);
    hb.hb_face_destroy(face);
    hb.hb_blob_destroy(blob);
    hb.free(data);
  }
}

async function load(): Promise<Subsetter> {
  const { resolve } = createRequire(import.meta.url);
  const { WebAssembly } = z.object({ WebAssembly: engine }).parse(globalThis);
  const code = await readFile(resolve("harfbuzzjs/dist/harfbuzz-subset.wasm"));
  const { instance } = await WebAssembly.instantiate(code);
  const hb = subsetter.parse(instance.exports);
  hb._initialize();
  return hb;
}

const tag = (name: string): number => Buffer.from(name, "latin1").readUInt32BE();
