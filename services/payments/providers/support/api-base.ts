import { z } from "zod";
import { withoutLastSlashes } from "../../../../broker/http/public-url.ts";

const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]"]);

/** A variable with the address of a provider's API: https, or http on this machine for emulators. */
export const apiBase = z
  .string()
  .refine((it) => {
    if (!URL.canParse(it)) return false;
    const { protocol, hostname, username, search, hash } = new URL(it);
    const safe = protocol === "https:" || (protocol === "http:" && LOOPBACK.has(hostname));
    return safe && username === "" && search === "" && hash === "";
  }, "must be an https:// address, or http:// on this machine")
  .transform(withoutLastSlashes);
