/** Parses PCRE2's syntax. What can't be run with PCRE2's meaning is refused, never guessed. */
import { type Assertion, type CharSet, type Node, PatternError } from "./ast.ts";
import { escapeClass, posixClass, property, type Ranges, vertical } from "./classes.ts";

export interface Flags {
  readonly fold: boolean;
  readonly multiline: boolean;
  readonly dotAll: boolean;
  readonly extended: boolean;
}

const deepest = 200;
const mostRepeats = 65_535;

/** Parses a whole pattern. Throws {@link PatternError}. */
export function parsePattern(source: string, flags: Flags): Node {
  const parser = new Parser(source, flags);
  const node = parser.choice(0);
  if (!parser.atEnd()) throw new PatternError("unmatched closing parenthesis");
  return node;
}

const unsupported = (what: string): PatternError =>
  new PatternError(`${what} is not supported by this store`);

class Parser {
  /** The pattern by code points, so that a quantifier applies to a whole one. */
  private readonly chars: readonly string[];
  private at = 0;
  private flags: Flags;

  constructor(source: string, flags: Flags) {
    this.chars = Array.from(source);
    this.flags = flags;
  }

  atEnd(): boolean {
    return this.at >= this.chars.length;
  }

  private peek(offset = 0): string | undefined {
    return this.chars[this.at + offset];
  }

  private take(text: string): boolean {
    for (let i = 0; i < text.length; i++) if (this.chars[this.at + i] !== text[i]) return false;
    this.at += text.length;
    return true;
  }

  /** The text up to `end`. Consumes `end` too. */
  private until(end: string, error: string): string {
    let text = "";
    while (!this.take(end)) {
      if (this.atEnd()) throw new PatternError(error);
      text += this.chars[this.at++];
    }
    return text;
  }

  choice(depth: number): Node {
    if (depth > deepest) throw new PatternError("parentheses are too deeply nested");
    const before = this.flags;
    const options = [this.sequence(depth)];
    while (this.take("|")) options.push(this.sequence(depth));
    this.flags = before;
    return options.length === 1 ? (options[0] as Node) : { kind: "choice", options };
  }

  private sequence(depth: number): Node {
    const parts: Node[] = [];
    while (!this.atEnd() && this.peek() !== "|" && this.peek() !== ")") {
      if (this.flags.extended && this.skipSpace()) continue;
      if (this.take("\\Q")) {
        this.quoted(parts);
        continue;
      }
      if (this.take("\\E")) continue;
      const item = this.item(depth);
      if (item !== undefined) parts.push(this.quantified(item));
    }
    return parts.length === 1 ? (parts[0] as Node) : { kind: "sequence", parts };
  }

  private skipSpace(): boolean {
    if (/^[\t\n\v\f\r ]$/.test(this.peek() ?? "")) this.at++;
    else if (this.peek() === "#") while (!this.atEnd() && this.peek() !== "\n") this.at++;
    else return false;
    return true;
  }

  /** `\Q…\E`. A quantifier after it applies to its last character. */
  private quoted(parts: Node[]): void {
    const chars: string[] = [];
    while (!this.atEnd() && !this.take("\\E")) chars.push(this.chars[this.at++] as string);
    chars.forEach((char, i) => {
      const node = this.literal(char);
      parts.push(i === chars.length - 1 ? this.quantified(node) : node);
    });
  }

  private literal(char: string): Node {
    return { kind: "char", code: char.codePointAt(0) as number, fold: this.flags.fold };
  }

  private set(ranges: Ranges): Node {
    return { kind: "set", set: { negated: false, ranges, categories: [] }, fold: false };
  }

  /** One repeatable item. Undefined for something without a meaning, such as a comment. */
  private item(depth: number): Node | undefined {
    const char = this.chars[this.at++] as string;
    switch (char) {
      case "(":
        return this.group(depth);
      case "[":
        return this.charClass();
      case ".":
        return this.flags.dotAll
          ? this.set([[0, 0x10ffff]])
          : { kind: "set", set: { negated: true, ranges: [[10, 10]], categories: [] }, fold: false };
      case "^":
        return { kind: "assert", what: this.flags.multiline ? "lineStart" : "start" };
      case "$":
        return { kind: "assert", what: this.flags.multiline ? "lineEnd" : "finalEnd" };
      case "\\":
        return this.escape();
      case "*":
      case "+":
      case "?":
        throw new PatternError("quantifier does not follow a repeatable item");
      default:
        return this.literal(char);
    }
  }

  private quantified(item: Node): Node {
    let node = item;
    while (true) {
      if (this.flags.extended) while (this.skipSpace());
      const bounds = this.quantifier();
      if (bounds === undefined) return node;
      const [min, max] = bounds;
      const lazy = this.take("?");
      node = { kind: "repeat", body: node, min, max, lazy };
      if (!lazy && this.take("+")) node = { kind: "atomic", body: node };
      // PCRE2 also refuses a second quantifier. The loop only finds it to report it.
      if (this.quantifierFollows()) throw new PatternError("quantifier does not follow a repeatable item");
      return node;
    }
  }

  private quantifierFollows(): boolean {
    const char = this.peek();
    return char === "*" || char === "+" || char === "?";
  }

  private quantifier(): [number, number] | undefined {
    if (this.take("*")) return [0, Number.POSITIVE_INFINITY];
    if (this.take("+")) return [1, Number.POSITIVE_INFINITY];
    if (this.take("?")) return [0, 1];
    if (this.peek() !== "{") return undefined;
    const rest = this.chars.slice(this.at, this.at + 16).join("");
    const found = /^\{(\d{1,6})(,(\d{1,6})?)?\}/.exec(rest);
    if (found === null) return undefined;
    this.at += found[0].length;
    const min = Number(found[1]);
    const max =
      found[2] === undefined ? min : found[3] === undefined ? Number.POSITIVE_INFINITY : Number(found[3]);
    if (min > mostRepeats || (max > mostRepeats && max !== Number.POSITIVE_INFINITY))
      throw new PatternError("number too big in {} quantifier");
    if (max < min) throw new PatternError("numbers out of order in {} quantifier");
    return [min, max];
  }

  private group(depth: number): Node | undefined {
    if (this.peek() === "*") throw unsupported("a verb (*…)");
    if (!this.take("?")) return this.closed(this.choice(depth + 1));
    if (this.take("#")) {
      this.until(")", "missing ) after (?# comment");
      return undefined;
    }
    if (this.take(":")) return this.closed(this.choice(depth + 1));
    if (this.take(">")) return { kind: "atomic", body: this.closed(this.choice(depth + 1)) };
    for (const [text, behind, negated] of looks) {
      if (this.take(text))
        return { kind: "look", behind, negated, body: this.closed(this.choice(depth + 1)) };
    }
    for (const [open, close] of named) {
      if (!this.take(open)) continue;
      const name = this.until(close, "syntax error in subpattern name (missing terminator?)");
      if (!/^[A-Za-z_][A-Za-z0-9_]{0,31}$/.test(name))
        throw new PatternError(
          "subpattern name must start with a non-digit and hold only letters, digits and _",
        );
      return this.closed(this.choice(depth + 1));
    }
    return this.inlineFlags(depth);
  }

  private closed(node: Node): Node {
    if (!this.take(")")) throw new PatternError("missing closing parenthesis");
    // A separate group, so that what follows is not joined to its last part.
    return node;
  }

  /** `(?i)`, until the end of its group, and `(?i:…)`. */
  private inlineFlags(depth: number): Node | undefined {
    const before = this.flags;
    let on = true;
    let flags = { ...this.flags };
    if (this.take("^")) flags = { fold: false, multiline: false, dotAll: false, extended: false };
    while (true) {
      const letter = this.chars[this.at++];
      if (letter === "-" && on) on = false;
      else if (letter === "i") flags.fold = on;
      else if (letter === "m") flags.multiline = on;
      else if (letter === "s") flags.dotAll = on;
      else if (letter === "x" && this.peek() !== "x") flags.extended = on;
      else if (letter === ")") {
        this.flags = flags;
        return undefined;
      } else if (letter === ":") {
        this.flags = flags;
        const body = this.choice(depth + 1);
        this.flags = before;
        return this.closed(body);
      } else if (letter === undefined) throw new PatternError("missing closing parenthesis");
      else throw unsupported(`the group (?${letter}`);
    }
  }

  private escape(): Node {
    const letter = this.chars[this.at++];
    if (letter === undefined) throw new PatternError("\\ at end of pattern");
    const assertion = assertions[letter];
    if (assertion !== undefined) return { kind: "assert", what: assertion };
    const ranges = escapeClass(letter);
    if (letter === "N" && this.peek() === "{") throw unsupported("\\N{…}");
    if (ranges !== undefined) return this.set(ranges);
    if (letter === "R") return anyNewline;
    if (letter === "p" || letter === "P") {
      const { category, ranges: all } = this.property(letter === "P");
      const set: CharSet = { negated: false, ranges: all ?? [], categories: category ? [category] : [] };
      return { kind: "set", set, fold: false };
    }
    if (/[1-9]/.test(letter) && !this.isOctal(letter)) throw unsupported("a back reference");
    if (/[gkKXCGlLuU]/.test(letter)) throw unsupported(`\\${letter}`);
    return { kind: "char", code: this.escapedCode(letter), fold: this.flags.fold };
  }

  /** In PCRE2, `\11` and higher may be octal, if there are not so many groups. Only plain octal is accepted. */
  private isOctal(letter: string): boolean {
    return /^[0-7]$/.test(letter) && /^[0-7]$/.test(this.peek() ?? "") && /^[0-7]$/.test(this.peek(1) ?? "");
  }

  private property(negated: boolean): { category?: string; ranges?: Ranges } {
    if (this.take("{")) return property(this.until("}", "malformed \\P or \\p sequence").trim(), negated);
    const name = this.chars[this.at++];
    if (name === undefined) throw new PatternError("malformed \\P or \\p sequence");
    return property(name, negated);
  }

  /** The code point of an escape for one character. */
  private escapedCode(letter: string): number {
    const simple = controls[letter];
    if (simple !== undefined) return simple;
    if (letter === "x") return this.hex();
    if (letter === "o") {
      if (!this.take("{")) throw new PatternError("missing opening brace after \\o");
      return code(this.until("}", "missing terminating } for \\o"), 8);
    }
    if (letter === "c") {
      const char = this.chars[this.at++];
      if (char === undefined || char < " " || char > "~")
        throw new PatternError("\\c must be followed by a printable ASCII character");
      return char.toUpperCase().charCodeAt(0) ^ 64;
    }
    if (/[0-7]/.test(letter)) {
      let text = letter;
      while (text.length < 3 && /^[0-7]$/.test(this.peek() ?? "")) text += this.chars[this.at++];
      return code(text, 8);
    }
    if (/[A-Za-z0-9]/.test(letter)) throw new PatternError("unrecognized character follows \\");
    return letter.codePointAt(0) as number;
  }

  private hex(): number {
    if (this.take("{")) return code(this.until("}", "missing terminating } for \\x").trim(), 16);
    let text = "";
    while (text.length < 2 && /^[0-9A-Fa-f]$/.test(this.peek() ?? "")) text += this.chars[this.at++];
    return text === "" ? 0 : code(text, 16);
  }

  private charClass(): Node {
    const negated = this.take("^");
    const ranges: [number, number][] = [];
    const categories: string[] = [];
    let first = true;
    while (first || this.peek() !== "]") {
      if (this.atEnd()) throw new PatternError("missing terminating ] for character class");
      first = false;
      if (this.take("\\E")) continue;
      if (this.take("\\Q")) {
        while (!this.atEnd() && !this.take("\\E")) {
          const quoted = (this.chars[this.at++] as string).codePointAt(0) as number;
          ranges.push([quoted, quoted]);
        }
        continue;
      }
      const member = this.member(categories);
      if (typeof member !== "number") {
        for (const [from, to] of member) ranges.push([from, to]);
        continue;
      }
      const to = this.rangeEnd();
      if (to !== undefined && to < member) throw new PatternError("range out of order in character class");
      ranges.push([member, to ?? member]);
    }
    this.at++;
    return { kind: "set", set: { negated, ranges, categories }, fold: this.flags.fold };
  }

  /** One member of a class: a code point, or the ranges of a class in it. */
  private member(categories: string[]): number | Ranges {
    if (this.peek() === "[" && /^[:.=]$/.test(this.peek(1) ?? "")) {
      const rest = this.chars.slice(this.at, this.at + 16).join("");
      const found = /^\[:(\^?[a-z]+):\]/.exec(rest);
      if (found !== null) {
        this.at += found[0].length;
        return posixClass(found[1] as string);
      }
      if (this.peek(1) !== ":") throw unsupported("a POSIX collating element");
    }
    const char = this.chars[this.at++] as string;
    if (char !== "\\") return char.codePointAt(0) as number;
    const letter = this.chars[this.at++];
    if (letter === undefined) throw new PatternError("\\ at end of pattern");
    if (letter === "b") return 8;
    const ranges = letter === "N" ? undefined : escapeClass(letter);
    if (ranges !== undefined) return ranges;
    if (letter === "p" || letter === "P") {
      const found = this.property(letter === "P");
      if (found.category !== undefined) categories.push(found.category);
      return found.ranges ?? [];
    }
    if (/[NRXB89]/.test(letter))
      throw new PatternError(`escape sequence \\${letter} is invalid in character class`);
    if (/[1-7]/.test(letter)) {
      this.at--;
      return this.escapedCode(this.chars[this.at++] as string);
    }
    return this.escapedCode(letter);
  }

  private rangeEnd(): number | undefined {
    if (this.peek() !== "-" || this.peek(1) === "]" || this.peek(1) === undefined) return undefined;
    const before = this.at++;
    const end = this.member([]);
    if (typeof end === "number") return end;
    // `[a-\d]`: PCRE2 refuses a class as the end of a range.
    this.at = before;
    throw new PatternError("invalid range in character class");
  }
}

const looks = [
  ["<=", true, false],
  ["<!", true, true],
  ["=", false, false],
  ["!", false, true],
] as const;

const named = [
  ["P<", ">"],
  ["<", ">"],
  ["'", "'"],
] as const;

const assertions: Record<string, Assertion> = {
  A: "start",
  z: "end",
  Z: "finalEnd",
  b: "word",
  B: "notWord",
};

const controls: Record<string, number> = { a: 7, e: 27, f: 12, n: 10, r: 13, t: 9 };

const anyNewline: Node = {
  kind: "atomic",
  body: {
    kind: "choice",
    options: [
      {
        kind: "sequence",
        parts: [
          { kind: "char", code: 13, fold: false },
          { kind: "char", code: 10, fold: false },
        ],
      },
      { kind: "set", set: { negated: false, ranges: vertical, categories: [] }, fold: false },
    ],
  },
};

function code(text: string, base: 8 | 16): number {
  const valid = base === 8 ? /^[0-7]{1,8}$/ : /^[0-9A-Fa-f]{1,6}$/;
  const value = valid.test(text) ? Number.parseInt(text, base) : Number.NaN;
  if (!(value <= 0x10ffff))
    throw new PatternError("character code point value in \\x{} or \\o{} is too large");
  if (value >= 0xd800 && value <= 0xdfff)
    throw new PatternError("disallowed Unicode code point (>= 0xd800 && <= 0xdfff)");
  return value;
}
