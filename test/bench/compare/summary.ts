/** From the figures of all rounds to one line a figure: the spread of each side, and their ratio. */
import type { Figure } from "../measure/figure.ts";
import { type Spread, spreadOf } from "../measure/statistics.ts";

/** Figures of one bench in one round. */
export interface Round {
  side: string;
  figures: readonly Figure[];
}

export interface SummaryLine {
  title: string;
  unit: string;
  better: Figure["better"];
  /** By side, in order; null where it could not be counted. */
  sides: { side: string; spread: Spread | null }[];
  /** The first side to the second, round by round; null for one side alone. */
  ratio: Spread | null;
}

/** @param sides at most two, in order; each has the same number of rounds, except where a figure is missing */
export function summarize(rounds: readonly Round[], sides: readonly string[]): SummaryLine[] {
  const titles = new Map<string, Figure>();
  for (const { figures } of rounds)
    for (const it of figures) if (!titles.has(it.title)) titles.set(it.title, it);
  return [...titles.values()].map(({ title, unit, better }) => {
    const bySide = sides.map((side) =>
      rounds
        .filter((it) => it.side === side)
        .map((it) => it.figures.find((figure) => figure.title === title)?.value ?? null),
    );
    const [first = [], second = []] = bySide;
    const ratios = first.flatMap((value, round) => {
      const other = second[round];
      return value === null || other === null || other === undefined || other === 0 ? [] : [value / other];
    });
    return {
      title,
      unit,
      better,
      sides: sides.map((side, n) => ({ side, spread: spreadOrNull(bySide[n] ?? []) })),
      ratio: ratios.length > 0 ? spreadOf(ratios) : null,
    };
  });
}

function spreadOrNull(values: readonly (number | null)[]): Spread | null {
  const known = values.filter((it) => it !== null);
  return known.length > 0 ? spreadOf(known) : null;
}

/** A table: one row a figure, with min, median and max of each side, and the ratio of each two. */
export function tableOf(lines: readonly SummaryLine[]): string {
  const sides = lines[0]?.sides.map((it) => it.side) ?? [];
  const rows = [
    [
      "",
      "",
      ...sides.map((it) => `${it}: min · median · max`),
      ...(sides.length > 1 ? [`ratio ${sides.join(" : ")}`] : []),
    ],
    ...lines.map(({ title, unit, better, sides: all, ratio }) => [
      title,
      unit,
      ...all.map(({ spread }) => (spread ? three(spread, shortNumber) : "not counted")),
      ...(ratio ? [`${three(ratio, (it) => it.toFixed(2))}${verdict(ratio, better)}`] : []),
    ]),
  ];
  const widthOf = (column: number): number => Math.max(...rows.map((row) => row[column]?.length ?? 0));
  const widths = (rows[0] ?? []).map((_, column) => widthOf(column));
  return rows
    .map((row) =>
      row
        .map((cell, n) => (n < 2 ? cell.padEnd(widths[n] ?? 0) : cell.padStart(widths[n] ?? 0)))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** Medians that are nearer to each other may be chance. */
const CHANCE = 0.03;

/** Said only where several rounds agree. */
function verdict({ min, median, max }: Spread, better: Figure["better"]): string {
  if (better === null || min === max || Math.abs(median - 1) < CHANCE) return "       ";
  if (min > 1) return better === "more" ? " better" : " worse ";
  if (max < 1) return better === "less" ? " better" : " worse ";
  return "       ";
}

/** One round has only one value. */
const three = ({ min, median, max }: Spread, format: (it: number) => string): string =>
  min === max ? format(median) : `${format(min)} · ${format(median)} · ${format(max)}`;

/** Three significant digits or whole numbers: 4250, 67.3, 8.15, 0.42. */
export function shortNumber(it: number): string {
  const size = Math.abs(it);
  return it.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2);
}
