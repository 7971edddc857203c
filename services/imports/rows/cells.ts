/** Cells of CSV files: lists, options, and text that no spreadsheet may take for a formula. Each is the other's inverse. */

/** Spreadsheets run what begins so. */
const FORMULA = /^'*[=+\-@\t\r]/;
const GUARDED = /^'+[=+\-@\t\r]/;

/** An apostrophe before what looks like a formula. Spreadsheets show the rest as text. */
export const guarded = (text: string): string => (FORMULA.test(text) ? `'${text}` : text);

/** Without the apostrophe of {@link guarded}. */
export const unguarded = (cell: string): string => (GUARDED.test(cell) ? cell.slice(1) : cell);

const escaped = (text: string): string => text.replaceAll(/[\\|=]/g, "\\$&");

/** Several values: `lamps|on-sale`. */
export const listCell = (values: readonly string[]): string => values.map(escaped).join("|");

/** The values of {@link listCell}. None for an empty cell. */
export const valuesOf = (cell: string): string[] => split(cell).map((it) => it.map(textOf).join("="));

/** Names with values: `Colour=brass|Size=M`. */
export const optionsCell = (options: Readonly<Record<string, string>>): string =>
  Object.entries(options)
    .map(([name, value]) => `${escaped(name)}=${escaped(value)}`)
    .join("|");

/** Those of {@link optionsCell}; undefined for a cell that has none of this form, or a name twice. */
export function optionsOf(cell: string): Record<string, string> | undefined {
  const pairs = split(cell).map((it) => it.map(textOf));
  if (pairs.some((it) => it.length !== 2)) return undefined;
  const options = Object.fromEntries(pairs.map(([name = "", value = ""]) => [name, value]));
  return Object.keys(options).length === pairs.length ? options : undefined;
}

/** Parts between `|`, each split at `=`. Backslashes are still there. */
function split(cell: string): string[][] {
  if (cell === "") return [];
  const parts: string[][] = [[""]];
  for (let at = 0; at < cell.length; at++) {
    const part = parts.at(-1);
    const character = cell[at] ?? "";
    if (character === "|") parts.push([""]);
    else if (character === "=") part?.push("");
    else if (part) {
      const taken = character === "\\" ? character + (cell[++at] ?? "") : character;
      part[part.length - 1] += taken;
    }
  }
  return parts;
}

const textOf = (part: string): string => part.replaceAll(/\\(.)/gs, "$1");
