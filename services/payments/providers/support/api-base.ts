import { z } from "zod";

const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]"]);

/** A variable that says where a provider's API is: https, or http on this machine, where emulators are. */
export const apiBase = z
  .string()
  .refine((it) => {
    if (!URL.canParse(it)) return false;
    const { protocol, hostname, username, search, hash } = new URL(it);
    const safe = protocol === "https:" || (protocol === "http:" && LOOPBACK.has(hostname));
    return safe && username === "" && search === "" && hash === "";
  }, "must be an https:// address, or http:// on this machine")
  .transform((it) => it.replace(/\/+$/, ""));
