/**
 * Text of people, made fit for one paragraph of a page. Nothing of it can change the order of other text, hide other
 * text or take long to lay out.
 */

/** In UTF-16 units. Longer text is cut. The contracts allow far less. */
const MAX_LENGTH = 4_000;
/** Marks on one letter. Languages need up to six. More would cover other lines. */
const MARKS = /(\p{M}{8})\p{M}+/gu;
const SPACES = /[\s\p{Zs}\p{Zl}\p{Zp}]/gu;
/**
 * What has no shape, without joiners (they change the shape of others), marks of direction (they only have a direction)
 * and signs that Unicode counts as format characters although they are seen.
 */
const INVISIBLE =
  /(?![\u200c-\u200f\u061c\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\u{110bd}\u{110cd}])[\p{Cc}\p{Cf}]/gu;

const ISOLATE = "\u2068";
const END = "\u2069";

/**
 * Part of a text that another party has written. It is laid out in its own direction, without effect on the words
 * around it.
 */
export const isolated = (text: string): string => `${ISOLATE}${withoutInvisible(text)}${END}`;

/** What was written, without the signs that {@link isolated} adds. */
export const plainText = (text: string): string => text.replace(/[\u2068\u2069]/g, "");

/** `label: value` in the direction of its label, without effect on the words around it. */
export const isolatedPair = (label: string, value: string): string =>
  `${ISOLATE}${withoutInvisible(label)}: ${isolated(value)}${END}`;

const withoutInvisible = (text: string): string => text.replace(SPACES, plainSpace).replace(INVISIBLE, "");

/** @param text may have parts that are {@link isolated} */
export function cleanText(text: string): string {
  const cut = text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}…` : text;
  const parts = cut.toWellFormed().split(/([\u2068\u2069])/u);
  return parts
    .map((it) => (it === ISOLATE || it === END ? it : withoutInvisible(it)))
    .join("")
    .replace(MARKS, "$1")
    .normalize("NFC");
}

/** Other spaces look the same. Those that allow no line break keep that. */
const plainSpace = (space: string): string => (space === "\u00a0" || space === "\u202f" ? "\u00a0" : " ");
