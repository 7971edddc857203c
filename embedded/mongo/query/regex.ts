/**
 * Regular expressions from clients. JavaScript's engine backtracks, and one bad pattern would stall every
 * client of the store, so patterns that can explode run with a time limit.
 */
import { createContext, Script } from "node:vm";
import { type Raw, regexParts } from "../bson/raw.ts";
import { badValue, StoreError } from "../errors.ts";

/** Milliseconds that one risky pattern may spend on one string. */
const timeLimit = 50;

export interface SafeRegex {
  readonly source: string;
  readonly options: string;
  test(value: string): boolean;
  /** Text that every match begins with, where the pattern is anchored and literal there. */
  readonly prefix: string | undefined;
}

const cache = new Map<string, SafeRegex>();

/** The pattern of a regex value, with further option letters. */
export function regexOf(value: Raw, extra = ""): SafeRegex {
  const [source, options] = regexParts(value);
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

function compile(source: string, options: string): SafeRegex {
  if (source.length > 16_384)
    throw new StoreError(51091, "Regular expression is invalid: pattern is too large");
  const wrong = /[^imsxu]/.exec(options);
  if (wrong !== null) throw badValue(`invalid flag in regex options: ${wrong[0]}`);
  let pattern = options.includes("x") ? withoutSpace(source) : source;
  let flags = [...new Set(options.replace(/[xu]/g, ""))].join("");
  const inline = /^\(\?([ims]+)\)/.exec(pattern);
  if (inline !== null) {
    pattern = pattern.slice(inline[0].length);
    flags = [...new Set(flags + inline[1])].join("");
  }
  if (/\\[AZzGQEKhHRXpP]|\[\[:/.test(pattern)) {
    throw new StoreError(
      51091,
      "Regular expression is invalid: it uses PCRE syntax that this store does not support",
    );
  }
  let regex: RegExp;
  try {
    regex = new RegExp(pattern, flags);
  } catch (error) {
    throw new StoreError(
      51091,
      `Regular expression is invalid: ${error instanceof Error ? error.message : error}`,
    );
  }
  return {
    source,
    options,
    prefix: flags === "" || flags === "s" ? literalPrefix(pattern) : undefined,
    test: isRisky(pattern) ? limited(regex) : (value) => regex.test(value),
  };
}

/**
 * True unless the pattern surely runs in time linear (or, with one free repetition, quadratic) in the text:
 * repeated groups, back references, look-around and several free repetitions can take exponential or high
 * polynomial time.
 */
function isRisky(pattern: string): boolean {
  const plain = pattern.replace(/\\[^1-9k]/g, "a").replace(/\[[^\]]*(?:\]|$)/g, "a");
  if (/\\|\(\?[=!<]/.test(plain)) return true;
  if (/\)[*+{?]/.test(plain)) return true;
  return (plain.match(/[*+]|\{\d+,/g)?.length ?? 0) > 1;
}

const sandbox: { regex?: RegExp; value?: string } = createContext({});
const script = new Script("regex.test(value)");

function limited(regex: RegExp): (value: string) => boolean {
  return (value) => {
    if (value.length < 12) return regex.test(value);
    sandbox.regex = regex;
    sandbox.value = value;
    try {
      return script.runInContext(sandbox, { timeout: timeLimit }) as boolean;
    } catch (error) {
      // The error is of the context's own Error class, so `instanceof` does not know it.
      const timedOut = { code: "ERR_SCRIPT_EXECUTION_TIMEOUT" };
      if ((error as Partial<typeof timedOut>).code === timedOut.code) {
        throw new StoreError(
          51156,
          "Error occurred while executing the regular expression: match limit exceeded",
        );
      }
      throw error;
    }
  };
}

/** `^abc` and `^abc.*` begin with "abc"; undefined where there is no such text. */
function literalPrefix(pattern: string): string | undefined {
  if (!pattern.startsWith("^") || pattern.includes("|")) return undefined;
  let prefix = "";
  for (let i = 1; i < pattern.length; i++) {
    let char = pattern[i] as string;
    if (char === "\\") {
      const next = pattern[i + 1];
      if (next === undefined || /[a-zA-Z0-9]/.test(next)) break;
      char = next;
      i++;
    } else if (/[.[\](){}^$*+?]/.test(char)) {
      break;
    }
    const after = pattern[i + 1];
    if (after === "*" || after === "?" || after === "{") break;
    prefix += char;
  }
  return prefix === "" ? undefined : prefix;
}

/** Option `x`: white space and comments outside classes are not part of the pattern. */
function withoutSpace(pattern: string): string {
  return pattern.replace(/\\.|\[(?:\\.|[^\]\\])*(?:\]|\\?$)|\s+|#[^\n]*/gs, (part) =>
    /^[\s#]/.test(part) ? "" : part,
  );
}
