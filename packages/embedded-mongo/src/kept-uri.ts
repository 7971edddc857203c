/**
 * The address of a folder's store, stored in the folder. Scripts of the same user find a running store by it. It
 * survives a run, so that the next one listens at the same place with the same password.
 */
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const NAME = "uri";

export const keptUriFile = (dir: string): string => join(dir, NAME);

export function keepUri(dir: string, uri: string): void {
  const file = keptUriFile(dir);
  writeFileSync(`${file}.new`, `${uri}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

/** The URI of the last or the present run. Undefined where there was none. */
export function keptUri(dir: string): string | undefined {
  try {
    return readFileSync(keptUriFile(dir), "utf8").trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** The socket in a URI, if any. */
export function socketOf(uri: string | undefined): string | undefined {
  const host = /^mongodb:\/\/([^/@]+)\//.exec(uri ?? "")?.[1];
  return host?.startsWith("%2F") ? decodeURIComponent(host) : undefined;
}

/** The user of clients on TCP. */
export const USER = "souk";

export const socketUri = (socket: string): string =>
  `mongodb://${encodeURIComponent(socket)}/?directConnection=true`;

/** @param address `host:port` */
export const tcpUri = (password: string, address: string): string =>
  `mongodb://${USER}:${encodeURIComponent(password)}@${address}/?directConnection=true`;

/** The password in a URI, if any. */
export function passwordOf(uri: string | undefined): string | undefined {
  const encoded = /^mongodb:\/\/[^:@/]+:([^@/]+)@/.exec(uri ?? "")?.[1];
  return encoded === undefined ? undefined : decodeURIComponent(encoded);
}

/** The URI without its password, for display. */
export const withoutPassword = (uri: string): string =>
  uri.replace(/^(mongodb:\/\/[^:@/]+):[^@/]+@/, "$1:***@");
