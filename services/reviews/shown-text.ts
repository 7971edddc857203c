/** Text of several lines that everybody will see. */
import { cleanText } from "../../broker/contract/values/text.ts";

/** Control characters but line breaks and tabs, and characters that turn the surrounding text around. */
const UNWANTED = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]|[^\P{Cc}\t\n]/gu;

/** {@link cleanText} without what no reader sees. Line breaks have one form. Cleaning it again changes nothing. */
export const shownText = (text: string): string =>
  cleanText(text.replace(/\r\n?|[\u2028\u2029]/g, "\n").replace(UNWANTED, ""));
