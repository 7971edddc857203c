/**
 * What can't get well by waiting: a server answers, and will not have us as we are configured. Each kind of
 * server has a function beside its connection that tells why in a sentence for operators: undefined where waiting may help,
 * as while a server is away, starts or is overloaded.
 */

import { oneLine, redact } from "../contract/redact.ts";
import { ConfigError } from "../contract/variables.ts";

/** Ends the start with one line that names the variable. */
export const refused = (variable: string, reason: string): ConfigError =>
  new ConfigError(redact(oneLine(`${variable}: ${reason}`)));

const TLS =
  /^(?:ERR_SSL_|ERR_TLS_|EPROTO$|CERT_|SELF_SIGNED_|DEPTH_ZERO_|UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|CRL_|ERROR_IN_)/;
/** These happen to a connection that is cut in its handshake, too. */
const TLS_PASSING = /TIMEOUT|UNEXPECTED_EOF|SERVER_CLOSED/;

/** What is wrong with TLS, or with a certificate, at this server. */
export function tlsRefusal(error: unknown, host: string): string | undefined {
  const code = field(error, "code");
  if (typeof code !== "string" || !TLS.test(code) || TLS_PASSING.test(code)) return undefined;
  if (code === "ERR_SSL_WRONG_VERSION_NUMBER") return `${host} does not speak TLS`;
  return `TLS with ${host} fails: ${textOf(error).split(";")[0]} (${code})`;
}

/** A member of whatever was thrown. */
export const field = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
export const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
