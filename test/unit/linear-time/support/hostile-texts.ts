/** Texts that provoke backtracking: one piece repeated, after a beginning that matches, before an end that fails. */
import type { Make } from "./growth.ts";

export interface HostileText {
  name: string;
  make: Make;
}

const PUMPS = [
  " ",
  "\t",
  "a",
  "0",
  "-",
  ".",
  "..",
  ":",
  "::",
  ",",
  ", ",
  ";",
  ";q=",
  "=",
  "&",
  "&a=",
  "a=1&",
  "%",
  "%41",
  "%E2%82%AC",
  "/",
  "a/",
  "\\",
  '\\"',
  '"',
  '" ',
  '"a":',
  "[",
  "{",
  "'",
  "é",
  "@",
  "a.",
  "a-",
  "a@",
  "1.",
  "t=1,",
  "ab ",
  "\u0301\u0323",
  "a\u0323\u0301",
  "\uff9e\u0323",
  "\u202e",
  "\ud800",
  "😀",
] as const;

const text = (before: string, pump: string, after: string): HostileText => ({
  name: JSON.stringify(`${before}${pump}…${after}`),
  make: (n) => before + pump.repeat(Math.ceil(n / pump.length)) + after,
});

/** @param frames beginnings and ends that fit the parser; none and a control character are always tried */
export const hostileTexts = (...frames: readonly [before: string, after: string][]): HostileText[] =>
  PUMPS.flatMap((pump) => [["", "\u0000"] as const, ...frames].map(([a, b]) => text(a, pump, b)));
