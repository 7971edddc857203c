/**
 * Stems words of the shop's language, so that `boxes` finds a box. The stemmer of a language is loaded when the first
 * index is filled, because a start must not wait for it.
 */

type Stem = (word: string) => string;

const LOAD = {
  ar: () => import("@orama/stemmers/arabic"),
  bg: () => import("@orama/stemmers/bulgarian"),
  da: () => import("@orama/stemmers/danish"),
  de: () => import("@orama/stemmers/german"),
  el: () => import("@orama/stemmers/greek"),
  en: () => import("@orama/stemmers/english"),
  es: () => import("@orama/stemmers/spanish"),
  fi: () => import("@orama/stemmers/finnish"),
  fr: () => import("@orama/stemmers/french"),
  ga: () => import("@orama/stemmers/irish"),
  hi: () => import("@orama/stemmers/indian"),
  hu: () => import("@orama/stemmers/hungarian"),
  hy: () => import("@orama/stemmers/armenian"),
  id: () => import("@orama/stemmers/indonesian"),
  it: () => import("@orama/stemmers/italian"),
  lt: () => import("@orama/stemmers/lithuanian"),
  ne: () => import("@orama/stemmers/nepali"),
  nl: () => import("@orama/stemmers/dutch"),
  no: () => import("@orama/stemmers/norwegian"),
  pt: () => import("@orama/stemmers/portuguese"),
  ro: () => import("@orama/stemmers/romanian"),
  ru: () => import("@orama/stemmers/russian"),
  sr: () => import("@orama/stemmers/serbian"),
  sv: () => import("@orama/stemmers/swedish"),
  ta: () => import("@orama/stemmers/tamil"),
  tr: () => import("@orama/stemmers/turkish"),
  uk: () => import("@orama/stemmers/ukrainian"),
} satisfies Record<string, () => Promise<{ stemmer: Stem }>>;

export type StemmedLanguage = keyof typeof LOAD;
/** ISO 639-1 codes, and `none` for a shop whose words are found only as they are written. */
export const SEARCH_LANGUAGES = ["none", ...(Object.keys(LOAD) as StemmedLanguage[])] as const;
export type SearchLanguage = StemmedLanguage | "none";

/** What an index knows of a language. */
export interface Analyzer {
  /** The same for all forms of a word. Words with digits, and those of other scripts, stay as they are. */
  stem: Stem;
  /** Whether it means nothing for a search. */
  isStopWord(word: string): boolean;
}

/** Long words are no words of a language. Some stemmers take quadratic time. */
const MAX_STEMMED = 32;
const MAX_KEPT = 50_000;
const LETTERS = /^\p{L}+$/u;

/** An analyzer that knows no language. */
export const plainAnalyzer: Analyzer = { stem: (word) => word, isStopWord: () => false };

/** @param language of the shop */
export async function loadAnalyzer(language: SearchLanguage): Promise<Analyzer> {
  if (language === "none") return plainAnalyzer;
  const { stemmer } = await LOAD[language]();
  const stop = language === "en" ? ENGLISH_STOP_WORDS : undefined;
  const singular = language === "en" ? await englishSingulars() : undefined;
  return {
    stem: kept((word) => (isStemmed(word) ? stemmer(singular?.get(word) ?? word) || word : word)),
    isStopWord: (word) => stop?.has(word) ?? false,
  };
}

const isStemmed = (word: string): boolean =>
  word.length > 2 && word.length <= MAX_STEMMED && LETTERS.test(word);

/** The same words come again and again. */
function kept(stem: Stem): Stem {
  const known = new Map<string, string>();
  return (word) => {
    let found = known.get(word);
    if (found === undefined) {
      found = stem(word);
      if (known.size >= MAX_KEPT) known.clear();
      known.set(word, found);
    }
    return found;
  };
}

/** Words of descriptions without meaning for a search. Queries drop them too. */
const ENGLISH_STOP_WORDS = new Set(
  "a an and are as at be by for from has in is it its of on or rather than that the this to with".split(" "),
);

/** The English stemmer takes their last letter for a plural's. */
const SINGULARS_WITH_S = "atlas bonus bus cactus campus canvas gas iris lens minus plus virus".split(" ");

/** Singulars by plurals that no rule makes. */
async function englishSingulars(): Promise<ReadonlyMap<string, string>> {
  const { default: irregular } = await import("irregular-plurals");
  const singulars = new Map([...irregular].map(([singular, plural]) => [plural, singular]));
  for (const it of SINGULARS_WITH_S) singulars.set(`${it}es`, it);
  return singulars;
}
