/** The words by which staff find an order: its number, its customer, and what was ordered. Pure. */
import { canonicalEmail } from "../../../broker/contract/values/email.ts";
import type { OrderState } from "./state.ts";

/** Orders have an index entry for each. */
const MAX_WORDS = 24;
const MAX_WORD = 64;
const MAX_ASKED = 8;

type Described = Pick<OrderState, "number" | "lines"> &
  Partial<Pick<OrderState, "customer" | "shippingAddress">>;

/** Of a number, also the part after the day. Of an address, all of it and its name. Of SKUs and names, each word. */
export function searchWords({ number, customer, shippingAddress, lines }: Described): string[] {
  const email = customer?.email ?? "";
  const texts = [
    number,
    number.slice(number.indexOf("-") + 1),
    email,
    email.slice(0, Math.max(0, email.lastIndexOf("@"))),
    customer?.name ?? "",
    shippingAddress?.name ?? "",
    ...lines.map((it) => it.sku),
  ];
  return [...new Set(texts.flatMap(wordsOf))].slice(0, MAX_WORDS);
}

/** The words of a query. Each must be one of the order's. */
export const askedWords = (query: string): string[] => [...new Set(wordsOf(query))].slice(0, MAX_ASKED);

const wordsOf = (text: string): string[] =>
  text
    .split(/[\s,;()"<>]+/u)
    .map((word) => (canonicalEmail(word) ?? folded(word)).slice(0, MAX_WORD))
    .filter((it) => it !== "");

/** Without accents and in lower case. */
const folded = (word: string): string => word.normalize("NFKD").replaceAll(/\p{M}/gu, "").toLowerCase();
