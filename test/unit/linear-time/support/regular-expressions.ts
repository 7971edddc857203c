/** The regular expressions of the code, by parsing it. */
import { readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { type AnyNode, parse } from "acorn";

export interface Expression {
  pattern: string;
  flags: string;
  /** `file:line` of each place. */
  at: string[];
}

export interface Expressions {
  /** Literals, each once. */
  literals: Expression[];
  /** Where one is made from text while the program runs. */
  made: string[];
}

/** @param files TypeScript, relative to the working directory */
export function regularExpressions(files: readonly string[]): Expressions {
  const literals = new Map<string, Expression>();
  const made: string[] = [];
  for (const file of files) {
    // Types become blanks, so lines stay what they are.
    const code = stripTypeScriptTypes(readFileSync(file, "utf8"), { mode: "strip" });
    walk(parse(code, { ecmaVersion: "latest", sourceType: "module", locations: true }), (node) => {
      const at = `${file}:${node.loc?.start.line}`;
      if (node.type === "Literal" && node.regex) {
        const { pattern, flags } = node.regex;
        const known = literals.get(`/${pattern}/${flags}`) ?? { pattern, flags, at: [] };
        known.at.push(at);
        literals.set(`/${pattern}/${flags}`, known);
      }
      if (node.type !== "NewExpression" && node.type !== "CallExpression") return;
      if (node.callee.type === "Identifier" && node.callee.name === "RegExp") made.push(at);
    });
  }
  return { literals: [...literals.values()], made };
}

function walk(value: unknown, visit: (node: AnyNode) => void): void {
  if (typeof value !== "object" || value === null) return;
  if (Array.isArray(value)) {
    for (const it of value) walk(it, visit);
    return;
  }
  if ("type" in value && typeof value.type === "string") visit(value as AnyNode);
  for (const [name, inner] of Object.entries(value)) if (name !== "loc") walk(inner, visit);
}

/** Every `pattern` in a JSON Schema, with where it stands. */
export function patternsIn(schema: unknown, at = ""): Expression[] {
  if (typeof schema !== "object" || schema === null) return [];
  return Object.entries(schema).flatMap(([name, inner]) =>
    name === "pattern" && typeof inner === "string"
      ? [{ pattern: inner, flags: "u", at: [at] }]
      : patternsIn(inner, `${at}/${name}`),
  );
}
