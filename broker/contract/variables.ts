/** Environment variables: how a part of Souk declares its variables in zod, and how they are read. */
import { readFileSync } from "node:fs";
import { z } from "zod";
import { keepPasswords, keepSecret, oneLine, redact } from "./secrets/redact.ts";
import { IN_SENTENCES } from "./sentences.ts";

export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/** A variable with an address that has one of these protocols. */
export const url = (...protocols: string[]) =>
  z
    .string()
    .refine(
      (it) => protocols.some((protocol) => it.startsWith(`${protocol}://`)),
      `must start with ${protocols.join(":// or ")}://`,
    )
    .optional();
/** A variable that is a whole number. */
export const whole = (min: number, max: number) => z.coerce.number<string>().int().min(min).max(max);
/** A variable that is a time like 30m; milliseconds once it is read. */
export const duration = (fallbackMs: number) =>
  z
    .string()
    .regex(/^\d+(ms|s|m|h|d)$/, "must be a duration like 500ms, 30s, 30m, 2h or 7d")
    .transform((it) => {
      const unit = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
      const [, n = "", u = "ms"] = /^(\d+)(\D+)$/.exec(it) ?? [];
      return Number(n) * unit[u as keyof typeof unit];
    })
    .default(fallbackMs)
    .meta({ unit: "ms" });
/** A secret that must be hard to guess. */
export const secret = z.string().min(16, "must have at least 16 characters");

const MAX_SHOWN = 100;

/** What was given, in one line. */
const shown = (value: string | undefined): string =>
  value === undefined ? "" : `, not ${JSON.stringify(oneLine(value.slice(0, MAX_SHOWN)))}`;

/** Variables that one part declares: every node, a domain, a payment provider. */
export interface Variables<S extends z.ZodObject = z.ZodObject> {
  readonly variables: S;
  /** Those that may be given as `NAME_FILE` too, and are never logged. */
  readonly secrets: readonly string[];
}

/** What a part's variables are when they are read. */
export type ConfigOf<V extends Variables> = Readonly<z.output<V["variables"]>>;

/**
 * Declares the variables of a domain. The file that does so also augments `Config` of broker/moleculer/config.ts, so that they
 * are typed everywhere. The domain's contract names them.
 */
export function defineConfig<S extends z.ZodRawShape>(
  shape: S,
  secrets: readonly (keyof S & string)[] = [],
): Variables<z.ZodObject<S>> {
  const bad = Object.keys(shape).find((name) => !/^[A-Z][A-Z0-9_]*$/.test(name));
  if (bad !== undefined) throw new Error(`the name of a variable is capitals, digits and _, not ${bad}`);
  return { variables: z.object(shape), secrets };
}

/** Variables of several parts as those of one. @throws on one that two of them declare */
export function joinVariables(parts: readonly Variables[]): Variables {
  const shape: Record<string, z.ZodType> = {};
  for (const [name, schema] of parts.flatMap((it) => Object.entries<z.ZodType>(it.variables.shape))) {
    if (Object.hasOwn(shape, name)) throw new Error(`the variable ${name} is declared twice`);
    shape[name] = schema;
  }
  return { variables: z.object(shape), secrets: parts.flatMap((it) => it.secrets) };
}

/**
 * Reads what is declared. Empty values count as unset.
 * @throws {ConfigError} with one line per bad variable; values of secrets are never repeated
 */
export function parseVariables<S extends z.ZodObject>(
  { variables: schema, secrets }: Variables<S>,
  env: NodeJS.ProcessEnv,
): z.output<S> {
  const given: Record<string, string> = {};
  for (const name of Object.keys(schema.shape)) if (env[name]) given[name] = env[name];
  for (const name of secrets) {
    const file = env[`${name}_FILE`];
    if (!file) continue;
    if (given[name]) throw new ConfigError(`${name}: set either ${name} or ${name}_FILE, not both`);
    try {
      given[name] = readFileSync(file, "utf8").replace(/\r?\n$/, "");
    } catch (cause) {
      throw new ConfigError(`${name}_FILE: can't read ${file}`, { cause });
    }
  }
  for (const [name, value] of Object.entries(given))
    if (value.includes("://")) keepPasswords(value);
    else if (secrets.includes(name)) keepSecret(value);
  const parsed = schema.safeParse(given, IN_SENTENCES);
  if (!parsed.success) {
    const lines = parsed.error.issues.map((it) => {
      const name = it.path.join(".");
      return `${name}: ${it.message}${secrets.includes(name) ? "" : shown(given[name])}`;
    });
    throw new ConfigError(redact(lines.join("\n")));
  }
  return parsed.data;
}
