/** Where a paragraph may be broken into lines, and its lines for a width. */

/** A shape that belongs together, with the text that it stands for. */
export interface Measured {
  text: string;
  width: number;
}

/** From the first cluster of a line to behind its last one. */
export type Line = readonly [start: number, end: number];

/** Scripts that write words without spaces between them. */
const WITHOUT_SPACES =
  /[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Thai}\p{sc=Laoo}\p{sc=Khmr}\p{sc=Mymr}\p{sc=Bopo}]/u;
/** What may not begin a line, and what may not end one. */
const NOT_FIRST = /^[\p{Pe}\p{Pf}\p{Po}\p{M}ーぁぃぅぇぉっゃゅょァィゥェォッャュョ々]/u;
const NOT_LAST = /[\p{Ps}\p{Pi}]$/u;
const AFTER_HYPHEN = /[\p{L}\p{N}][-‐/·]$/u;

let words: Intl.Segmenter | undefined;

/** Offsets in the text before which a line may begin. */
export function breaksIn(text: string): Set<number> {
  words ??= new Intl.Segmenter("en", { granularity: "word" });
  const breaks = new Set<number>();
  let before = "";
  for (const { segment, index } of words.segment(text)) {
    const joined = before.slice(-2) + segment;
    if (index > 0 && mayBreak(before, segment, joined)) breaks.add(index);
    before = before.slice(-1) + segment;
  }
  return breaks;
}

function mayBreak(before: string, next: string, joined: string): boolean {
  if (next.startsWith(" ")) return false;
  if (before.endsWith(" ")) return true;
  if (before.endsWith("\u00a0") || next.startsWith("\u00a0")) return false;
  if (NOT_FIRST.test(next) || NOT_LAST.test(before)) return false;
  return WITHOUT_SPACES.test(joined) || AFTER_HYPHEN.test(before);
}

/**
 * Lines that are filled one after the other. A word that is wider than a line is broken between clusters.
 * @returns lines without the spaces at their ends; at least one
 */
export function breakLines(
  clusters: readonly Measured[],
  breaks: ReadonlySet<number>,
  width: number,
): Line[] {
  const lines: Line[] = [];
  let start = 0;
  let used = 0;
  /** Where the line may end, and the width up to there. */
  let fit: { at: number; used: number } | undefined;
  let offset = 0;
  clusters.forEach((cluster, index) => {
    if (index > start && breaks.has(offset)) fit = { at: index, used };
    offset += cluster.text.length;
    const isSpace = cluster.text === " ";
    while (!isSpace && used + cluster.width > width && index > start) {
      const at = fit?.at ?? index;
      lines.push(trimmed(clusters, start, at));
      used -= fit?.used ?? used;
      start = at;
      fit = undefined;
    }
    used += cluster.width;
  });
  lines.push(trimmed(clusters, start, clusters.length));
  return lines;
}

function trimmed(clusters: readonly Measured[], start: number, end: number): Line {
  let last = end;
  while (last > start && clusters[last - 1]?.text === " ") last--;
  return [start, last];
}
