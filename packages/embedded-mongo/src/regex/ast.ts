/** A parsed regular expression in PCRE2's syntax, for the emitters and the cost estimate. */

export interface CharSet {
  readonly negated: boolean;
  /** Code points, first and last of each range. */
  readonly ranges: readonly (readonly [number, number])[];
  /** Unicode general categories, as `\p{L}` or `\P{L}`. Both engines have the same syntax. */
  readonly categories: readonly string[];
}

export type Assertion =
  /** `^` and `\A`. */
  | "start"
  /** `\z`. */
  | "end"
  /** `$` and `\Z`: at the end, or before a final newline. */
  | "finalEnd"
  /** `^` of a multi-line pattern. */
  | "lineStart"
  /** `$` of a multi-line pattern. */
  | "lineEnd"
  | "word"
  | "notWord";

export type Node =
  | { readonly kind: "char"; readonly code: number; readonly fold: boolean }
  | { readonly kind: "set"; readonly set: CharSet; readonly fold: boolean }
  | { readonly kind: "assert"; readonly what: Assertion }
  | { readonly kind: "sequence"; readonly parts: readonly Node[] }
  | { readonly kind: "choice"; readonly options: readonly Node[] }
  | {
      readonly kind: "repeat";
      readonly body: Node;
      readonly min: number;
      readonly max: number;
      readonly lazy: boolean;
    }
  | { readonly kind: "look"; readonly behind: boolean; readonly negated: boolean; readonly body: Node }
  /** Never backtracks into what it matched: `(?>…)`, and possessive repetition. */
  | { readonly kind: "atomic"; readonly body: Node };

/** A pattern that is malformed, or not supported. */
export class PatternError extends Error {}
