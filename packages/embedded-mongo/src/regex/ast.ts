/** A regular expression of PCRE2's syntax after parsing: what the emitters and the estimate of its cost read. */

export interface CharSet {
  readonly negated: boolean;
  /** Code points, first and last of each range. */
  readonly ranges: readonly (readonly [number, number])[];
  /** Unicode general categories, as `\p{L}` or `\P{L}`: written alike in both engines. */
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
  /** Never gives back what it took: `(?>…)`, and possessive repetition. */
  | { readonly kind: "atomic"; readonly body: Node };

/** A pattern that is malformed, or that this store does not run. */
export class PatternError extends Error {}
