/** The public address of the gateway. */
import type { Config } from "../../../broker/moleculer/config.ts";
import { withoutLastSlashes } from "../providers/support/api-base.ts";

const ANY_ADDRESS = new Set(["0.0.0.0", "::", "[::]"]);

/** `PUBLIC_URL`, else made from HOST and PORT. Without a slash at the end. */
export function publicUrl({ PUBLIC_URL, HOST, PORT }: Pick<Config, "PUBLIC_URL" | "HOST" | "PORT">): string {
  if (PUBLIC_URL) return withoutLastSlashes(PUBLIC_URL);
  const host = ANY_ADDRESS.has(HOST) ? "127.0.0.1" : HOST;
  return `http://${host.includes(":") && !host.startsWith("[") ? `[${host}]` : host}:${PORT}`;
}
