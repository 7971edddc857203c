/**
 * Regular expressions from clients, with PCRE2's meaning. V8's engine runs those that are quick on the given text by
 * their shape. RE2, which is linear, runs the others. V8 runs features that RE2 lacks (look-around, atomic groups,
 * possessive repetition) with limits of time and length. Back references, recursion and scripts are refused.
 */
import { createContext, Script } from "node:vm";
import { RE2JS } from "re2js";
import { type Raw, regexParts } from "../bson/raw.ts";
import { StoreError } from "../errors.ts";
import { type Node, PatternError } from "../regex/ast.ts";
import { costOf, isAnchored, literalPrefix } from "../regex/cost.ts";
import { forRe2, forV8 } from "../regex/emit.ts";
import { parsePattern } from "../regex/parse.ts";

/** MongoDB's limit for a pattern. */
const longestPattern = 32_764;
/** Estimated steps up to which V8 is used instead of RE2. */
const quickSteps = 100_000;
/** Steps per character of text that V8 may take in a pattern without unbounded repetition. */
const linearSteps = 200;
/** Length of text on which even a pattern of exponential time is quick. */
const nestedLength = 8;
/** Milliseconds, and characters of one text, for a pattern that only V8 can run. */
const timeLimit = 50;
const longestLimited = 64 * 1024;

export interface SafeRegex {
  readonly source: string;
  readonly options: string;
  test(value: string): boolean;
  /** Text at the start of every match, where the pattern is anchored and literal there. */
  readonly prefix: string | undefined;
}

const cache = new Map<string, SafeRegex>();

/** The pattern of a regex value. Options come from the value or from `$options`, not from both. */
export function regexOf(value: Raw, extra = ""): SafeRegex {
  const [source, options] = regexParts(value);
  if (extra !== "" && options !== "") throw new StoreError(51075, "options set in both $regex and $options");
  return compileRegex(source, extra === "" ? options : extra);
}

/** Compiles a pattern with MongoDB's options `i m s x u`. */
export function compileRegex(source: string, options: string): SafeRegex {
  const key = `${options}/${source}`;
  let found = cache.get(key);
  if (found === undefined) {
    found = compile(source, options);
    if (cache.size > 500) cache.clear();
    cache.set(key, found);
  }
  return found;
}

const invalid = (why: string): StoreError => new StoreError(51091, `Regular expression is invalid: ${why}`);

function compile(source: string, options: string): SafeRegex {
  if (source.length > longestPattern) throw invalid("pattern is too large");
  if (source.includes("\0"))
    throw new StoreError(51109, "Regular expression cannot contain an embedded null byte");
  const wrong = /[^imsxu]/.exec(options);
  if (wrong !== null) throw new StoreError(51108, `invalid flag in regex options: ${wrong[0]}`);
  try {
    const node = parsePattern(source, {
      fold: options.includes("i"),
      multiline: options.includes("m"),
      dotAll: options.includes("s"),
      extended: options.includes("x"),
    });
    return { source, options, prefix: literalPrefix(node), test: tester(node) };
  } catch (error) {
    if (error instanceof StoreError) throw error;
    if (error instanceof PatternError) throw invalid(error.message);
    // The error of V8 or RE2 for a pattern that is too large for them.
    throw invalid(error instanceof Error ? error.message : String(error));
  }
}

function tester(node: Node): (value: string) => boolean {
  const { degree, ways, size, nested } = costOf(node);
  const power = degree + (isAnchored(node) ? 0 : 1);
  const quick = forV8(node);
  const steps = ways * Math.max(1, size);
  if (!nested && power <= 1 && steps <= linearSteps) return (value) => quick.test(value);
  const text = forRe2(node);
  const slow = text === undefined ? limited(quick) : re2(text);
  const quickLength = nested ? nestedLength : Math.floor((quickSteps / steps) ** (1 / Math.max(1, power)));
  return (value) => (value.length <= quickLength ? quick.test(value) : slow(value));
}

function re2(text: string): (value: string) => boolean {
  let compiled: RE2JS | undefined;
  return (value) => {
    compiled ??= RE2JS.compile(text);
    return compiled.test(value);
  };
}

const sandbox: { regex?: RegExp; value?: string } = createContext({});
const script = new Script("regex.test(value)");

function limited(regex: RegExp): (value: string) => boolean {
  return (value) => {
    if (value.length > longestLimited) throw exceeded();
    sandbox.regex = regex;
    sandbox.value = value;
    try {
      return script.runInContext(sandbox, { timeout: timeLimit }) as boolean;
    } catch (error) {
      // The error has the context's own Error class, so `instanceof` fails.
      if ((error as { code?: unknown }).code === "ERR_SCRIPT_EXECUTION_TIMEOUT") throw exceeded();
      throw error;
    }
  };
}

const exceeded = (): StoreError =>
  new StoreError(51156, "Error occurred while executing the regular expression: match limit exceeded");
