/** Finds the senders of messages, by looking for their names in the calls of each service's code. */
import { globSync, readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { fileURLToPath } from "node:url";
import { type AnyNode, parse } from "acorn";
import type { ServiceContract } from "../../../broker/contract/contract.ts";

const services = new URL("../../../services/", import.meta.url);

export interface Senders {
  /** Services whose actors, workers or actions send it over the bus. */
  readonly sent: ReadonlySet<string>;
  /** Services whose actions apply it to their own actor, without the bus. */
  readonly applied: ReadonlySet<string>;
}

/** @returns for each message of the contracts, without timers */
export function messageSenders(contracts: readonly ServiceContract[]): Map<string, Senders> {
  const types = contracts
    .flatMap((it) => Object.entries(it.messages))
    .flatMap(([type, { kind }]) => (kind === "timer" ? [] : [type]));
  const found = new Map(types.map((type) => [type, { sent: new Set<string>(), applied: new Set<string>() }]));
  for (const { service } of contracts)
    for (const file of codeOf(service)) {
      const { sent, applied } = namedInCalls(readFileSync(file, "utf8"), types);
      for (const type of sent) found.get(type)?.sent.add(service);
      for (const type of applied) found.get(type)?.applied.add(service);
    }
  return found;
}

function codeOf(service: string): string[] {
  const folder = fileURLToPath(new URL(`${service}/`, services));
  return globSync("**/*.ts", { cwd: folder, exclude: ["**/*.contract.ts", "**/test/**", "**/emulator/**"] })
    .sort()
    .map((file) => folder + file);
}

/** Message types that are arguments of calls: of `apply`, or of functions that send. */
export function namedInCalls(code: string, types: readonly string[]): { sent: string[]; applied: string[] } {
  const found = { sent: new Set<string>(), applied: new Set<string>() };
  const program = parse(stripTypeScriptTypes(code, { mode: "strip" }), {
    ecmaVersion: "latest",
    sourceType: "module",
  });
  walk(program, (node) => {
    if (node.type !== "CallExpression") return;
    const kind = calledName(node.callee) === "apply" ? "applied" : "sent";
    for (const it of node.arguments) for (const type of namedBy(it, types)) found[kind].add(type);
  });
  return { sent: [...found.sent], applied: [...found.applied] };
}

function calledName(callee: AnyNode): string | undefined {
  if (callee.type === "Identifier") return callee.name;
  return callee.type === "MemberExpression" ? calledName(callee.property) : undefined;
}

/** A literal, each half of a condition, or all possible values of a template. */
function namedBy(node: AnyNode, types: readonly string[]): string[] {
  if (node.type === "Literal") return types.filter((it) => it === node.value);
  if (node.type === "ConditionalExpression")
    return [...namedBy(node.consequent, types), ...namedBy(node.alternate, types)];
  if (node.type !== "TemplateLiteral" || node.quasis.length !== 2) return [];
  const [before = "", after = ""] = node.quasis.map((it) => it.value.cooked ?? "");
  return before === "" ? [] : types.filter((it) => it.startsWith(before) && it.endsWith(after));
}

function walk(value: unknown, visit: (node: AnyNode) => void): void {
  if (typeof value !== "object" || value === null) return;
  if ("type" in value && typeof value.type === "string") visit(value as AnyNode);
  for (const inner of Object.values(value)) walk(inner, visit);
}
