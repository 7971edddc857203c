import { randomInt } from "node:crypto";
import { normalizeText } from "./normalize-text.ts";

/** Leaves room for a suffix below the contract's 120. */
const MAX_LENGTH = 100;
const SUFFIX_LENGTH = 5;

/** `Crème Brûlée, 2 pcs` → `creme-brulee-2-pcs`. Returns `fallback` where no character of the name fits. */
export function slugOf(name: string, fallback: string): string {
  const slug = normalizeText(name)
    .replace(/['’]/g, "")
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, MAX_LENGTH)
    .replace(/^-|-$/g, "");
  return slug || fallback;
}

/** A variation of a slug that is in use. */
export function withSuffix(
  slug: string,
  random: () => number = () => randomInt(36 ** SUFFIX_LENGTH),
): string {
  return `${slug}-${random().toString(36).padStart(SUFFIX_LENGTH, "0")}`;
}

/** `GET /products/:id` would never find these. */
export const RESERVED_SLUGS: ReadonlySet<string> = new Set(["suggest"]);
