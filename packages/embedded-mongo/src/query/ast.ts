/** A parsed filter. The matcher runs it, and the planner reads it. */
import type { Raw } from "../bson/raw.ts";
import type { Path } from "../path.ts";
import type { SafeRegex } from "./regex.ts";

export type Filter =
  | { readonly kind: "and" | "or" | "nor"; readonly filters: readonly Filter[] }
  | { readonly kind: "field"; readonly path: Path; readonly test: Test }
  | { readonly kind: "expr"; readonly expression: Raw }
  | { readonly kind: "text"; readonly search: TextSearch }
  | { readonly kind: "constant"; readonly value: boolean };

export type Comparison = "eq" | "lt" | "lte" | "gt" | "gte";

export type Test =
  | { readonly op: Comparison; readonly value: Raw }
  | { readonly op: "in"; readonly values: readonly Raw[]; readonly patterns: readonly SafeRegex[] }
  | { readonly op: "regex"; readonly pattern: SafeRegex }
  | { readonly op: "exists"; readonly wanted: boolean }
  | { readonly op: "type"; readonly types: ReadonlySet<number> }
  | { readonly op: "size"; readonly size: number }
  | { readonly op: "mod"; readonly divisor: bigint; readonly remainder: bigint }
  | {
      readonly op: "bits";
      readonly mask: bigint;
      readonly mode: "allSet" | "allClear" | "anySet" | "anyClear";
    }
  | { readonly op: "not"; readonly tests: readonly Test[] }
  | { readonly op: "all"; readonly tests: readonly Test[] }
  | { readonly op: "elemMatchObject"; readonly filter: Filter }
  | { readonly op: "elemMatchValue"; readonly tests: readonly Test[] };

export interface TextSearch {
  readonly search: string;
}
