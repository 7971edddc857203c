/** What names sort by: without case and accents, by their first characters. */
import { clip, normalizeText } from "./normalize-text.ts";

const SORTED_CHARACTERS = 60;

/** @param normalized see {@link normalizeText} */
export const sortName = (normalized: string): string => clip(normalized, SORTED_CHARACTERS);

/** {@link sortName} of any name, made unique by the id. */
export const nameKey = (name: string, id: string): string => `${sortName(normalizeText(name))}\u0001${id}`;
