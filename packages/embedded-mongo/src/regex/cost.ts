/** Estimates the time of a backtracking engine by the shape of a pattern. */
import type { Node } from "./ast.ts";

export interface Cost {
  /** Number of unbounded repetitions in sequence. Each multiplies the time by the length of the text. */
  readonly degree: number;
  /** Ways to match one stretch of text, without unbounded repetitions. */
  readonly ways: number;
  /** Characters read for one such way, without unbounded repetitions. */
  readonly size: number;
  /** A repetition inside a repetition, or of something that matches in several ways: exponential. */
  readonly nested: boolean;
}

const nothing: Cost = { degree: 0, ways: 1, size: 0, nested: false };
const one: Cost = { ...nothing, size: 1 };

export function costOf(node: Node): Cost {
  switch (node.kind) {
    case "char":
    case "set":
    case "assert":
      return one;
    case "sequence":
      return node.parts.map(costOf).reduce(
        (a, b) => ({
          degree: a.degree + b.degree,
          ways: a.ways * b.ways,
          size: a.size + b.size,
          nested: a.nested || b.nested,
        }),
        nothing,
      );
    case "choice":
      return node.options.map(costOf).reduce((a, b) => ({
        degree: Math.max(a.degree, b.degree),
        ways: a.ways + b.ways,
        size: Math.max(a.size, b.size),
        nested: a.nested || b.nested,
      }));
    case "look":
    case "atomic":
      return costOf(node.body);
    case "repeat":
      return repeatCost(costOf(node.body), node.min, node.max, leastLength(node.body));
  }
}

function repeatCost(body: Cost, min: number, max: number, shortest: number): Cost {
  if (max <= 1) return { ...body, ways: body.ways + (max - min) };
  if (max === Number.POSITIVE_INFINITY) {
    const nested = body.nested || body.degree > 0 || body.ways > 1 || shortest === 0;
    return { degree: 1, ways: body.ways, size: Math.max(1, min) * body.size, nested };
  }
  const nested = body.nested || (body.degree > 0 && max > 4);
  return {
    degree: body.degree * max,
    ways: (max - min + 1) * body.ways ** max,
    size: max * body.size,
    nested,
  };
}

/** The minimum number of characters that a node matches. */
export function leastLength(node: Node): number {
  switch (node.kind) {
    case "char":
    case "set":
      return 1;
    case "assert":
    case "look":
      return 0;
    case "sequence":
      return node.parts.reduce((sum, part) => sum + leastLength(part), 0);
    case "choice":
      return Math.min(...node.options.map(leastLength));
    case "repeat":
      return node.min * leastLength(node.body);
    case "atomic":
      return leastLength(node.body);
  }
}

/** True for a pattern that can match only at the start of the text. */
export function isAnchored(node: Node): boolean {
  if (node.kind === "assert") return node.what === "start";
  if (node.kind === "sequence") return node.parts[0] !== undefined && isAnchored(node.parts[0]);
  return node.kind === "choice" && node.options.every(isAnchored);
}

/** Text at the start of every match, at the start of the value: `^abc` and `^abc.*` begin with "abc". */
export function literalPrefix(node: Node): string | undefined {
  const parts = node.kind === "sequence" ? node.parts : [node];
  const [first, ...rest] = parts;
  if (first?.kind !== "assert" || first.what !== "start") return undefined;
  let prefix = "";
  for (const part of rest) {
    if (part.kind !== "char" || part.fold) break;
    prefix += String.fromCodePoint(part.code);
  }
  return prefix === "" ? undefined : prefix;
}
