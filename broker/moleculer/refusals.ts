/** Reasons for which Redis or NATS refuse our configuration. */

import { field, textOf, tlsRefusal } from "../resilience/refusals.ts";
import { redisPlace } from "./redis-address.ts";

const REDIS_CREDENTIALS = /^(?:WRONGPASS|ERR invalid password)/;
const REDIS_DATABASE =
  /^ERR (?:DB index is out of range|invalid DB index|value is not an integer|SELECT is not allowed in cluster mode)/;

/** @param address of Redis, as configured */
export function redisRefusal(error: unknown, address: string): string | undefined {
  const { host, username, database } = redisPlace(address);
  const text = textOf(error);
  if (REDIS_CREDENTIALS.test(text))
    return `Redis at ${host} refuses ${username ? `the user ${username}` : "us"}: wrong name or password`;
  if (text.startsWith("NOAUTH")) return `Redis at ${host} wants a password`;
  if (text.startsWith("NOPERM"))
    return `Redis at ${host} does not give the user the rights that it needs: ${text}`;
  if (REDIS_DATABASE.test(text)) return `Redis at ${host} has no database ${database}`;
  if (field(error, "name") === "ParserError") return `the server at ${host} is not Redis`;
  return tlsRefusal(error, host);
}

export function natsRefusal(error: unknown, address: string): string | undefined {
  const code = String(field(error, "code"));
  if (/^AUTH/.test(code) || /authorization violation/i.test(textOf(error)))
    return `NATS at ${address} refuses this node: wrong name, password or token`;
  if (code === "SECURE_CONN_REQ") return `NATS at ${address} wants TLS`;
  return tlsRefusal(error, address);
}
