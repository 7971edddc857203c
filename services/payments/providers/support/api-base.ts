import { z } from "zod";

const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]"]);

/** An address to which paths are added. */
export function withoutLastSlashes(address: string): string {
  let end = address.length;
  while (address[end - 1] === "/") end--;
  return address.slice(0, end);
}

/** A variable that says where a provider's API is: https, or http on this machine, where emulators are. */
export const apiBase = z
  .string()
  .refine((it) => {
    if (!URL.canParse(it)) return false;
    const { protocol, hostname, username, search, hash } = new URL(it);
    const safe = protocol === "https:" || (protocol === "http:" && LOOPBACK.has(hostname));
    return safe && username === "" && search === "" && hash === "";
  }, "must be an https:// address, or http:// on this machine")
  .transform(withoutLastSlashes);
