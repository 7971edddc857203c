/** Character classes of PCRE2 in UTF mode without UCP: `\d`, `\s`, `\w` and POSIX names are ASCII. */
import { PatternError } from "./ast.ts";

export type Ranges = readonly (readonly [number, number])[];

const last = 0x10ffff;
const digits: Ranges = [[0x30, 0x39]];
const upper: Ranges = [[0x41, 0x5a]];
const lower: Ranges = [[0x61, 0x7a]];
const word: Ranges = [...digits, ...upper, [0x5f, 0x5f], ...lower];
const space: Ranges = [
  [9, 13],
  [32, 32],
];
const horizontal: Ranges = [
  [9, 9],
  [0x20, 0x20],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x180e, 0x180e],
  [0x2000, 0x200a],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
];
/** `\v`, and what `\R` matches in addition to CR LF. */
export const vertical: Ranges = [
  [10, 13],
  [0x85, 0x85],
  [0x2028, 0x2029],
];
export const newline: Ranges = [[10, 10]];

/** All other code points. */
function complement(ranges: Ranges): Ranges {
  const out: [number, number][] = [];
  let next = 0;
  for (const [from, to] of [...ranges].sort((a, b) => a[0] - b[0])) {
    if (from > next) out.push([next, from - 1]);
    next = Math.max(next, to + 1);
  }
  if (next <= last) out.push([next, last]);
  return out;
}

const escapes: Record<string, Ranges> = {
  d: digits,
  D: complement(digits),
  w: word,
  W: complement(word),
  s: space,
  S: complement(space),
  h: horizontal,
  H: complement(horizontal),
  v: vertical,
  V: complement(vertical),
  N: complement(newline),
};

/** The class of a backslash and a letter, if there is one. */
export const escapeClass = (letter: string): Ranges | undefined => escapes[letter];

const posix: Record<string, Ranges> = {
  alnum: [...digits, ...upper, ...lower],
  alpha: [...upper, ...lower],
  ascii: [[0, 127]],
  blank: [
    [9, 9],
    [32, 32],
  ],
  cntrl: [
    [0, 31],
    [127, 127],
  ],
  digit: digits,
  graph: [[33, 126]],
  lower,
  print: [[32, 126]],
  punct: [
    [33, 47],
    [58, 64],
    [91, 96],
    [123, 126],
  ],
  space,
  upper,
  word,
  xdigit: [...digits, [0x41, 0x46], [0x61, 0x66]],
};

/** A class such as `[:alpha:]` or `[:^alpha:]`, by the text between the colons. */
export function posixClass(name: string): Ranges {
  const negated = name.startsWith("^");
  const found = posix[negated ? name.slice(1) : name];
  if (found === undefined) throw new PatternError("unknown POSIX class name");
  return negated ? complement(found) : found;
}

const categories = new Set(
  "C Cc Cf Cn Co Cs L Ll Lm Lo Lt Lu M Mc Me Mn N Nd Nl No P Pc Pd Pe Pf Pi Po Ps S Sc Sk Sm So Z Zl Zp Zs".split(
    " ",
  ),
);

/** A Unicode property as a category, or as ranges where it is none. Scripts are not supported. */
export function property(name: string, negated: boolean): { category?: string; ranges?: Ranges } {
  const inverted = name.startsWith("^");
  const plain = inverted ? name.slice(1) : name;
  const not = negated !== inverted;
  if (plain === "Any") return { ranges: not ? [] : [[0, last]] };
  if (!categories.has(plain))
    throw new PatternError(`the Unicode property '${plain}' is not supported by this store`);
  return { category: `\\${not ? "P" : "p"}{${plain}}` };
}
