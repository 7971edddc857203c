/** Reasons for which MongoDB refuses our configuration. */
import { field, textOf, tlsRefusal } from "../resilience/refusals.ts";

/** Server codes: UserNotFound, Unauthorized, AuthenticationFailed, and Atlas' own. */
const MONGO_CREDENTIALS = new Set([11, 18, 8_000]);
const MONGO_UNAUTHORIZED = 13;
/** The driver can't parse the address or its options. */
const MONGO_MISUSE = new Set([
  "MongoParseError",
  "MongoInvalidArgumentError",
  "MongoMissingCredentialsError",
  "MongoMissingDependencyError",
]);

export function mongoRefusal(error: unknown): string | undefined {
  const code = field(error, "code");
  const name = field(error, "name");
  if (typeof name === "string" && MONGO_MISUSE.has(name)) return textOf(error);
  if (isMongo(error) && MONGO_CREDENTIALS.has(Number(code)))
    return "MongoDB refuses the user: wrong name, password or authSource";
  if (isMongo(error) && code === MONGO_UNAUTHORIZED) return mongoRights(textOf(error));
  // The address names a file of certificates or keys.
  if (code === "ENOENT" || code === "EACCES" || code === "EISDIR") return textOf(error);
  const tls = tlsRefusal(error, "MongoDB");
  if (tls !== undefined) return tls;
  for (const it of behind(error)) {
    const reason = mongoRefusal(it);
    if (reason !== undefined) return reason;
  }
  return undefined;
}

/** Shortens MongoDB's message, which repeats the whole command. */
function mongoRights(text: string): string {
  const [, database, command] = /not authorized on (\S+) to execute command \{ ?"?(\w+)/.exec(text) ?? [];
  if (database && command) return `MongoDB does not let the user do ${command} in the database ${database}`;
  if (/requires authentication/.test(text)) return "MongoDB wants a user and a password";
  return `MongoDB does not give the user the rights that it needs: ${text.slice(0, 200)}`;
}

const isMongo = (error: unknown): boolean => String(field(error, "name")).startsWith("Mongo");

/** The errors behind a driver's error: one per server, and its cause. */
function behind(error: unknown): unknown[] {
  const reason = field(error, "reason");
  const servers = field(reason, "servers");
  const seen = servers instanceof Map ? [...servers.values()].map((it) => field(it, "error")) : [];
  return [...seen, field(error, "cause")].filter((it) => typeof it === "object" && it !== null);
}
