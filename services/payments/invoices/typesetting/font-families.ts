/**
 * The typefaces of documents: Noto Sans in all its scripts, as packages of the web. A package has a typeface in slices,
 * each a file with some of its characters. One document needs a few of them.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

/** One file of a family. */
export interface Slice {
  path: string;
  /** Pairs of first and last code point. */
  ranges: readonly number[];
}

const { resolve } = createRequire(import.meta.url);

/** Han characters have other shapes in each of these. */
const HAN = { sc: "noto-sans-sc", tc: "noto-sans-tc", jp: "noto-sans-jp", kr: "noto-sans-kr" } as const;
export type Han = keyof typeof HAN;

/** The first that has a character shows it. */
const BASE = ["noto-sans", "noto-sans-symbols"];
const SCRIPTS = [
  ..."arabic hebrew thai bengali tamil telugu gujarati gurmukhi kannada malayalam oriya sinhala".split(" "),
  ..."armenian georgian ethiopic khmer lao myanmar thaana".split(" "),
].map((it) => `noto-sans-${it}`);
export const EMOJI = "noto-emoji";

/** What is shown as a picture unless something says otherwise. */
const PICTURE = /^(?:\p{Emoji_Presentation}|\p{Emoji}\ufe0f|\p{Emoji}\u20e3)/u;

/** Names of families in which the characters of one cluster are looked for, best first. */
export function familiesFor(cluster: string, han: Han): readonly string[] {
  return PICTURE.test(cluster) ? ORDER[han].picture : ORDER[han].text;
}

const orderOf = (han: Han) => {
  const text = [...new Set([...BASE, ...SCRIPTS, HAN[han], ...Object.values(HAN)])];
  return { text: [...text, EMOJI], picture: [EMOJI, ...text] };
};
const ORDER = { sc: orderOf("sc"), tc: orderOf("tc"), jp: orderOf("jp"), kr: orderOf("kr") };

const HAN_OF_COUNTRY: Readonly<Record<string, Han>> = {
  TW: "tc",
  HK: "tc",
  MO: "tc",
  JP: "jp",
  KR: "kr",
  KP: "kr",
};

/** Which shapes Han characters have: those of the language that the text shows, else of the country. */
export function hanOf(text: string, country: string): Han {
  if (/[\p{sc=Hira}\p{sc=Kana}]/u.test(text)) return "jp";
  if (/\p{sc=Hang}/u.test(text)) return "kr";
  return HAN_OF_COUNTRY[country] ?? "sc";
}

const read = new Map<string, readonly Slice[]>();

/** The slices of a family. Its list is read when it is first needed. */
export function slicesOf(family: string): readonly Slice[] {
  const found = read.get(family) ?? readSlices(`@fontsource-variable/${family}`);
  read.set(family, found);
  return found;
}

function readSlices(name: string): Slice[] {
  const css = readFileSync(resolve(`${name}/wght.css`), "utf8");
  const [, ...faces] = css.split("@font-face");
  return faces.map((face) => ({
    path: resolve(`${name}/files/${between(face, "url(./files/", ")")}`),
    ranges: between(face, "unicode-range:", ";").split(",").flatMap(rangeOf),
  }));
}

/** @throws where one of the two is missing: the package has changed */
function between(text: string, before: string, after: string): string {
  const start = text.indexOf(before);
  const end = text.indexOf(after, start);
  if (start < 0 || end < 0) throw new Error(`a font face without ${before}…${after}`);
  return text.slice(start + before.length, end);
}

/** `U+0400-045F` or `U+2116` */
function rangeOf(text: string): [first: number, last: number] {
  const [first = "", last = first] = text.trim().slice(2).split("-");
  return [Number.parseInt(first, 16), Number.parseInt(last, 16)];
}

export function isIn({ ranges }: Slice, codePoint: number): boolean {
  for (let at = 0; at < ranges.length; at += 2)
    if (codePoint >= (ranges[at] ?? 0) && codePoint <= (ranges[at + 1] ?? 0)) return true;
  return false;
}
