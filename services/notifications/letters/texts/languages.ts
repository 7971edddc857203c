/** The languages of letters. Another one is a file beside this one and a line here. */
import { ar } from "./ar.ts";
import { de } from "./de.ts";
import { en } from "./en.ts";
import type { Texts } from "./texts.ts";

export const languages: Readonly<Record<string, Texts>> = { ar, de, en };

export interface Language {
  /** For dates and amounts; what was asked for where there are texts in its language, else English. */
  readonly locale: string;
  readonly texts: Texts;
}

/** @param asked BCP 47 tag */
export function languageOf(asked: string): Language {
  const { language } = new Intl.Locale(asked);
  const texts = Object.hasOwn(languages, language) ? languages[language] : undefined;
  return texts ? { locale: asked, texts } : { locale: "en", texts: en };
}
