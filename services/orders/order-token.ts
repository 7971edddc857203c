/** Secrets that stand for a caller: a guest's order token, and tickets. Only their hashes are stored. */
import { createHash } from "node:crypto";

export const tokenHash = (token: string): string => createHash("sha256").update(token).digest("base64url");
