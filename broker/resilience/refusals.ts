/**
 * Conditions that waiting can't fix: a server answers and refuses our configuration. Each kind of server has a
 * function beside its connection that explains the reason to operators. It returns undefined where waiting may help,
 * for example while a server is away, starting or overloaded.
 */

import { oneLine, redact } from "../contract/secrets/redact.ts";
import { ConfigError } from "../contract/variables.ts";

/** Stops the start with one line that names the variable. */
export const refused = (variable: string, reason: string): ConfigError =>
  new ConfigError(redact(oneLine(`${variable}: ${reason}`)));

const TLS =
  /^(?:ERR_SSL_|ERR_TLS_|EPROTO$|CERT_|SELF_SIGNED_|DEPTH_ZERO_|UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|CRL_|ERROR_IN_)/;
/** These errors also happen to a connection that is cut during its handshake. */
const TLS_PASSING = /TIMEOUT|UNEXPECTED_EOF|SERVER_CLOSED/;

/** The problem with TLS, or with a certificate, at this server. */
export function tlsRefusal(error: unknown, host: string): string | undefined {
  const code = field(error, "code");
  if (typeof code !== "string" || !TLS.test(code) || TLS_PASSING.test(code)) return undefined;
  if (code === "ERR_SSL_WRONG_VERSION_NUMBER") return `${host} does not speak TLS`;
  return `TLS with ${host} fails: ${textOf(error).split(";")[0]} (${code})`;
}

/** A member of any thrown value. */
export const field = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
export const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
