/**
 * Writes a parsed pattern for V8's engine, which backtracks, and for RE2's, which is linear but has no look-around.
 */
import type { Assertion, CharSet, Node } from "./ast.ts";
import { leastLength } from "./cost.ts";

const hex = (code: number, open: string): string => `\\${open}{${code.toString(16)}}`;

function charText(code: number, open: "u" | "x"): string {
  const char = String.fromCodePoint(code);
  return /^[A-Za-z0-9 _]$/.test(char) || code > 0xa0 ? char : hex(code, open);
}

function setText(set: CharSet, open: "u" | "x"): string {
  const ranges = set.ranges.map(([from, to]) =>
    from === to ? hex(from, open) : `${hex(from, open)}-${hex(to, open)}`,
  );
  const inside = ranges.join("") + set.categories.join("");
  if (inside === "") return set.negated ? `[${hex(0, open)}-${hex(0x10ffff, open)}]` : "[^\\x00-\\x{10ffff}]";
  return `[${set.negated ? "^" : ""}${inside}]`;
}

const quantifierText = (min: number, max: number, lazy: boolean): string => {
  const many = max === Number.POSITIVE_INFINITY;
  const text =
    min === 0 && many
      ? "*"
      : min === 1 && many
        ? "+"
        : min === 0 && max === 1
          ? "?"
          : `{${min},${many ? "" : max}}`;
  return lazy ? `${text}?` : text;
};

const v8Assertions: Record<Assertion, string> = {
  start: "^",
  end: "$",
  finalEnd: "(?=\\n?$)",
  lineStart: "(?:^|(?<=\\n)(?=[^]))",
  lineEnd: "(?=\\n|$)",
  word: "\\b",
  notWord: "\\B",
};

/** True where any letter ignores case. Then the whole pattern does, and the rest is marked as an exception. */
function folds(node: Node): boolean {
  switch (node.kind) {
    case "char":
    case "set":
      return node.fold;
    case "assert":
      return false;
    case "sequence":
      return node.parts.some(folds);
    case "choice":
      return node.options.some(folds);
    default:
      return folds(node.body);
  }
}

/** The pattern for V8. */
export function forV8(node: Node): RegExp {
  let atomics = 0;
  const fold = folds(node);
  const cased = (text: string, folded: boolean): string => (fold && !folded ? `(?-i:${text})` : text);
  const write = (part: Node): string => {
    switch (part.kind) {
      case "char":
        return cased(charText(part.code, "u"), part.fold);
      case "set": {
        const empty = !part.set.negated && part.set.ranges.length === 0 && part.set.categories.length === 0;
        return cased(empty ? "[]" : setText(part.set, "u"), part.fold);
      }
      case "assert":
        return cased(v8Assertions[part.what], !part.what.endsWith("ord"));
      case "sequence":
        return part.parts.map(write).join("");
      case "choice":
        return `(?:${part.options.map(write).join("|")})`;
      case "repeat":
        return `(?:${write(part.body)})${quantifierText(part.min, part.max, part.lazy)}`;
      case "look":
        return `(?${part.behind ? "<" : ""}${part.negated ? "!" : "="}${write(part.body)})`;
      case "atomic": {
        const name = `a${atomics++}`;
        return `(?:(?=(?<${name}>${write(part.body)}))\\k<${name}>)`;
      }
    }
  };
  return new RegExp(write(node), fold ? "iu" : "u");
}

/**
 * The pattern for RE2, or undefined where RE2 can't express it. RE2 has no "before a final newline". At the end of a
 * pattern the newline is matched too, which gives the same result for a test.
 */
export function forRe2(node: Node): string | undefined {
  let possible = true;
  const fold = folds(node);
  const cased = (text: string, folded: boolean): string => (fold && !folded ? `(?-i:${text})` : text);
  const write = (part: Node, tail: boolean, consumesAfter: boolean): string => {
    switch (part.kind) {
      case "char":
        return cased(charText(part.code, "x"), part.fold);
      case "set":
        return cased(setText(part.set, "x"), part.fold);
      case "assert":
        if (part.what === "finalEnd" && !tail) possible = false;
        // After a final newline, RE2 sees the start of a line and PCRE2 does not. It makes no difference before a
        // character.
        if (part.what === "lineStart" && !consumesAfter) possible = false;
        return re2Assertions[part.what];
      case "sequence": {
        let after = 0;
        const texts: string[] = [];
        for (let i = part.parts.length - 1; i >= 0; i--) {
          const inner = part.parts[i] as Node;
          texts.unshift(write(inner, tail && i === part.parts.length - 1, after > 0));
          after += leastLength(inner);
        }
        return texts.join("");
      }
      case "choice":
        return `(?:${part.options.map((option) => write(option, tail, false)).join("|")})`;
      case "repeat":
        if (part.max > 1000 && part.max !== Number.POSITIVE_INFINITY) possible = false;
        if (part.min > 1000) possible = false;
        return `(?:${write(part.body, tail && part.max === 1, false)})${quantifierText(part.min, part.max, part.lazy)}`;
      case "look":
      case "atomic":
        possible = false;
        return "";
    }
  };
  const text = write(node, true, false);
  return possible ? `${fold ? "(?i)" : ""}${text}` : undefined;
}

const re2Assertions: Record<Assertion, string> = {
  start: "\\A",
  end: "\\z",
  finalEnd: "(?:\\n?\\z)",
  lineStart: "(?m:^)",
  lineEnd: "(?m:$)",
  word: "\\b",
  notWord: "\\B",
};
