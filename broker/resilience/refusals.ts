/**
 * What can't get well by waiting: a server answers, and will not have us as we are configured. Each function tells why
 * in a sentence for operators; undefined where waiting may help, as while a server is away, starts or is overloaded.
 */

import { amqpAddresses, virtualHost } from "../bus/amqp/address.ts";
import { HandshakeRefusedError, UnlikeAmqpError } from "../bus/amqp/handshake.ts";
import { oneLine, redact } from "../contract/redact.ts";
import { ConfigError } from "../contract/variables.ts";

/** Ends the start with one line that names the variable. */
export const refused = (variable: string, reason: string): ConfigError =>
  new ConfigError(redact(oneLine(`${variable}: ${reason}`)));

const ACCESS_REFUSED = 403;
const NOT_ALLOWED = 530;

/** @param address one of RabbitMQ's, as configured */
export function amqpRefusal(error: unknown, address: string): string | undefined {
  const { host, username } = new URL(address);
  const user = decodeURIComponent(username) || "guest";
  const at = `RabbitMQ at ${host}`;
  if (error instanceof UnlikeAmqpError) return `what answers at ${host} ${error.message}`;
  if (error instanceof HandshakeRefusedError) {
    if (error.code === ACCESS_REFUSED) return `${at} refuses the user ${user}: wrong name or password`;
    if (error.code !== NOT_ALLOWED) return undefined;
    const text = error.message.replace(/^NOT_ALLOWED - /, "");
    if (text.startsWith("vhost ") && text.endsWith(" not found"))
      return `${at} has no virtual host ${virtualHost(address)}`;
    // A limit of connections, or a virtual host that is down, is said after the user's name.
    if (text.startsWith("access to vhost ") && text.endsWith("'"))
      return `${at} does not let the user ${user} into the virtual host ${virtualHost(address)}`;
    return undefined;
  }
  if (field(error, "code") === ACCESS_REFUSED)
    return `${at} does not give the user ${user} the rights that it needs: ${textOf(error)}`;
  return tlsRefusal(error, host);
}

/** Where the user may not do what a node needs, told by a failed declaration or consumer. */
export const amqpRightsRefusal = (error: unknown, addresses: string): ConfigError | undefined => {
  if (field(error, "code") !== ACCESS_REFUSED) return undefined;
  const reason = amqpRefusal(error, amqpAddresses(addresses)[0] ?? "");
  return reason === undefined ? undefined : refused("AMQP_URL", reason);
};

/** Server codes: UserNotFound, Unauthorized, AuthenticationFailed, and Atlas' own. */
const MONGO_CREDENTIALS = new Set([11, 18, 8_000]);
const MONGO_UNAUTHORIZED = 13;
/** The driver can't make sense of the address or its options. */
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
  // A file of certificates or keys that the address names.
  if (code === "ENOENT" || code === "EACCES" || code === "EISDIR") return textOf(error);
  const tls = tlsRefusal(error, "MongoDB");
  if (tls !== undefined) return tls;
  for (const it of behind(error)) {
    const reason = mongoRefusal(it);
    if (reason !== undefined) return reason;
  }
  return undefined;
}

/** MongoDB repeats the whole command. */
function mongoRights(text: string): string {
  const [, database, command] = /not authorized on (\S+) to execute command \{ ?"?(\w+)/.exec(text) ?? [];
  if (database && command) return `MongoDB does not let the user do ${command} in the database ${database}`;
  if (/requires authentication/.test(text)) return "MongoDB wants a user and a password";
  return `MongoDB does not give the user the rights that it needs: ${text.slice(0, 200)}`;
}

const isMongo = (error: unknown): boolean => String(field(error, "name")).startsWith("Mongo");

/** What an error of the driver has seen at each server, and its cause. */
function behind(error: unknown): unknown[] {
  const reason = field(error, "reason");
  const servers = field(reason, "servers");
  const seen = servers instanceof Map ? [...servers.values()].map((it) => field(it, "error")) : [];
  return [...seen, field(error, "cause")].filter((it) => typeof it === "object" && it !== null);
}

const REDIS_CREDENTIALS = /^(?:WRONGPASS|ERR invalid password)/;
const REDIS_DATABASE =
  /^ERR (?:DB index is out of range|invalid DB index|value is not an integer|SELECT is not allowed in cluster mode)/;

/** @param address of Redis, as configured */
export function redisRefusal(error: unknown, address: string): string | undefined {
  const { host, pathname, username } = new URL(address);
  const text = textOf(error);
  if (REDIS_CREDENTIALS.test(text))
    return `Redis at ${host} refuses ${username ? `the user ${decodeURIComponent(username)}` : "us"}: wrong name or password`;
  if (text.startsWith("NOAUTH")) return `Redis at ${host} wants a password`;
  if (text.startsWith("NOPERM"))
    return `Redis at ${host} does not give the user the rights that it needs: ${text}`;
  if (REDIS_DATABASE.test(text)) return `Redis at ${host} has no database ${pathname.slice(1)}`;
  if (field(error, "name") === "ParserError") return `what answers at ${host} is not Redis`;
  return tlsRefusal(error, host);
}

export function natsRefusal(error: unknown, address: string): string | undefined {
  const code = String(field(error, "code"));
  if (/^AUTH/.test(code) || /authorization violation/i.test(textOf(error)))
    return `NATS at ${address} refuses us: wrong name, password or token`;
  if (code === "SECURE_CONN_REQ") return `NATS at ${address} wants TLS`;
  return tlsRefusal(error, address);
}

const TLS =
  /^(?:ERR_SSL_|ERR_TLS_|EPROTO$|CERT_|SELF_SIGNED_|DEPTH_ZERO_|UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|CRL_|ERROR_IN_)/;
/** These happen to a connection that is cut in its handshake, too. */
const TLS_PASSING = /TIMEOUT|UNEXPECTED_EOF|SERVER_CLOSED/;

function tlsRefusal(error: unknown, host: string): string | undefined {
  const code = field(error, "code");
  if (typeof code !== "string" || !TLS.test(code) || TLS_PASSING.test(code)) return undefined;
  if (code === "ERR_SSL_WRONG_VERSION_NUMBER") return `${host} does not speak TLS`;
  return `TLS with ${host} fails: ${textOf(error).split(";")[0]} (${code})`;
}

const field = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
