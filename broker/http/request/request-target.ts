/** The target of a request, in the forms of RFC 9112, 3.2. */
import type { IncomingMessage } from "node:http";
import { SoukError } from "../../contract/errors.ts";

const MAX_URL = 8_192;

/** An absolute address, as sent to proxies. Without a user: a server refuses one (RFC 9110, 4.2.4). */
const ABSOLUTE = /^https?:\/\/([^/?#@]+)([/?].*)?$/i;
/** A name or address, perhaps with a port. No code here depends on it. */
const HOST = /^(?:[A-Za-z0-9._~!$&'()*+,;=%-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{0,5})?$/;

/**
 * Turns an absolute address into a path. A server must accept one, and its host replaces `Host` (RFC 9112, 3.2.2).
 * Call it first. A target in another form is left unchanged, and {@link checkTarget} refuses it.
 */
export function readTarget(req: IncomingMessage): void {
  const { url = "", method } = req;
  if (url.startsWith("/") || url.length > MAX_URL) return;
  const [, host, rest = ""] = ABSOLUTE.exec(url) ?? [];
  if (host === undefined || !HOST.test(host)) return;
  const whole = method === "OPTIONS" && rest === "" ? "*" : "/";
  req.url = rest === "" ? whole : rest.startsWith("/") ? rest : `/${rest}`;
  req.headers.host = host;
}

/** @throws {SoukError} URI_TOO_LONG; MALFORMED_REQUEST */
export function checkTarget({ headers, httpVersion, url = "", method, rawHeaders }: IncomingMessage): void {
  if (url.length > MAX_URL) throw new SoukError("URI_TOO_LONG");
  if (headers.host === undefined && httpVersion === "1.1")
    throw new SoukError("MALFORMED_REQUEST", "Host is missing.");
  if (headers.host !== undefined && headers.host !== "" && !HOST.test(headers.host))
    throw new SoukError("MALFORMED_REQUEST", "Host: must be a name or an address, and a port.");
  // Node uses the first of several. A proxy in front may have used another one.
  if (rawHeaders.filter((it, i) => i % 2 === 0 && it.toLowerCase() === "host").length > 1)
    throw new SoukError("MALFORMED_REQUEST", "Host is given twice.");
  if (!url.startsWith("/") && !(url === "*" && method === "OPTIONS"))
    throw new SoukError("MALFORMED_REQUEST", "The request target must be a path.");
  if (url.includes("#"))
    throw new SoukError("MALFORMED_REQUEST", "The request target must have no fragment.");
}
