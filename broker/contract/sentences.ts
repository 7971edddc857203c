/** What is wrong with a value, in words for people. They follow the name of the field: `quantity: must be at least 1`. */
import type { z } from "zod";

type Issue = z.core.$ZodRawIssue;

const KINDS: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  bigint: "a whole number",
  boolean: "true or false",
  array: "a list",
  tuple: "a list",
  set: "a list",
  object: "an object",
  record: "an object",
  map: "an object",
  date: "a date",
  null: "null",
  undefined: "left out",
  never: "left out",
  nan: "no number",
};

const FORMATS: Readonly<Record<string, string>> = {
  email: "an e-mail address",
  url: "an address with http:// or https://",
  uuid: "a UUID",
  guid: "a UUID",
  datetime: "a time (RFC 3339)",
  date: "a date (RFC 3339)",
  time: "a time of day",
  duration: "a duration (ISO 8601)",
  ipv4: "an IPv4 address",
  ipv6: "an IPv6 address",
  base64: "in Base64",
  base64url: "in Base64 for URLs",
  json_string: "JSON",
  jwt: "a JWT",
  e164: "a phone number in E.164",
};

/** Values that can't be parsed from text are numbers that are none. */
const isMissing = ({ input }: Issue): boolean => input === undefined;

/** One sentence for each kind of issue that zod has. The second list of a union's issues has sentences already. */
export function sentence(issue: Issue): string {
  switch (issue.code) {
    case "invalid_type":
      return isMissing(issue) ? "is required" : `must be ${KINDS[issue.expected] ?? `a ${issue.expected}`}`;
    case "invalid_value":
      return isMissing(issue) ? `is required: ${values(issue)}` : `must be ${values(issue)}`;
    case "too_small":
      return limit(issue, issue.minimum, issue.inclusive === false ? "more than" : "at least");
    case "too_big":
      return limit(issue, issue.maximum, issue.inclusive === false ? "less than" : "at most");
    case "invalid_format":
      return format(issue);
    case "not_multiple_of":
      return `must be a multiple of ${issue.divisor}`;
    case "unrecognized_keys":
      return `has fields that are not known here: ${issue.keys.join(", ")}`;
    case "invalid_key":
      return `must have another name, which ${firstOf(issue.issues)}`;
    case "invalid_element":
      return `has a value that ${firstOf(issue.issues)}`;
    case "invalid_union":
      return isMissing(issue) ? "is required" : union(issue);
    default:
      return "is not right";
  }
}

/** To be given to `safeParse`, so that its issues have sentences. */
export const IN_SENTENCES = { error: sentence };

/** For a schema whose own sentence would stand for a missing value, too. */
export const orRequired = (text: string) => (issue: Issue) => (isMissing(issue) ? "is required" : text);

function values({
  values,
  expected,
}: Extract<Issue, { code: "invalid_value" }> & { expected?: unknown }): string {
  if (expected === "stringbool") return "true or false";
  const shown = values.map((it) => (typeof it === "string" ? it : JSON.stringify(it)));
  return shown.length === 1 ? String(shown[0]) : `one of ${shown.join(", ")}`;
}

const UNITS: Readonly<Record<string, readonly [one: string, more: string]>> = {
  string: ["character", "characters"],
  array: ["item", "items"],
  set: ["item", "items"],
  map: ["entry", "entries"],
  file: ["byte", "bytes"],
};

function limit(
  { origin, exact }: Extract<Issue, { code: "too_small" | "too_big" }>,
  bound: number | bigint,
  comparison: string,
): string {
  const unit = UNITS[origin];
  const how = exact ? "exactly" : comparison;
  if (!unit)
    return `must be ${origin === "date" ? (how === "at least" ? "not before" : "not after") : how} ${bound}`;
  if (bound <= 1 && comparison === "at least" && !exact) return "must not be empty";
  const amount = `${how} ${bound} ${unit[bound === 1 ? 0 : 1]}`;
  return origin === "string" ? `must be ${amount}` : `must have ${amount}`;
}

function format(issue: Extract<Issue, { code: "invalid_format" }>): string {
  const { format: name, prefix, suffix, includes } = issue as typeof issue & Record<string, unknown>;
  if (name === "starts_with") return `must begin with ${prefix}`;
  if (name === "ends_with") return `must end with ${suffix}`;
  if (name === "includes") return `must contain ${includes}`;
  return FORMATS[name] ? `must be ${FORMATS[name]}` : "has a form that is not taken here";
}

/** What any of its alternatives takes. Of those that are of the value's type, if there are such. */
function union(issue: Extract<Issue, { code: "invalid_union" }>): string {
  const { options } = issue as { options?: readonly unknown[] };
  if (options && options.length > 0) return `must be one of ${options.join(", ")}`;
  const branches = issue.errors.map((it) => it[0]).filter((it) => it !== undefined);
  const ofType = branches.filter((it) => it.code !== "invalid_type" || it.path.length > 0);
  const sentences = (ofType.length > 0 ? ofType : branches).map((it) => it.message);
  return [...new Set(sentences)].join(", or ") || "is not right";
}

const firstOf = (issues: readonly { message: string }[]): string => issues[0]?.message ?? "is right";
