/**
 * Where a product stands in an order. A place is also a text, which cursors carry. No two products have the same place.
 */
import type { Order } from "./product-search.ts";

/** Products sort by rank, then (by name only) by name, then by id. */
export interface Place {
  rank: number;
  name: string;
  id: string;
}

const MAX_REVIEWS = 1e9;

/** The number that ratings sort by: the average, of equal ones the more reviewed first. */
export const ratingRank = (average: number, count: number): number =>
  Math.round(average * 1_000) * MAX_REVIEWS + Math.min(count, MAX_REVIEWS - 1);

/** Above every amount. */
const CURRENCY_STEP = 2e12;
const CURRENCIES = Intl.supportedValuesOf("currency");

/**
 * The number that prices sort by: amounts of one currency by their size, and never between those of another.
 * @param code of another currency than the shop's; empty for the shop's, whose prices come first
 */
export function priceRank(amount: number, code: string): number {
  if (code === "") return amount;
  const known = CURRENCIES.indexOf(code);
  return amount + CURRENCY_STEP * (1 + (known < 0 ? CURRENCIES.length : known));
}

/** Between characters: sorts before all that a name may have. */
const NAME_END = "\u0001";

export function keyOf(order: Order, { rank, name, id }: Place): string {
  switch (order) {
    case "newest":
      return id;
    case "name":
      return name + NAME_END + id;
    case "price":
      return `${digits(rank, 13)} ${id}`;
    case "relevance":
      return `${digits(rank, 3)} ${id}`;
    case "rating":
      return `${(Math.floor(rank / MAX_REVIEWS) / 1_000).toFixed(3)} ${digits(rank % MAX_REVIEWS, 9)} ${id}`;
  }
}

/** What keys look like. */
export const KEY_SHAPES: Readonly<Record<Order, RegExp>> = {
  newest: /^[0-9a-f-]{36}$/,
  // biome-ignore lint/suspicious/noControlCharactersInRegex: NAME_END
  name: /^.*\u0001[0-9a-f-]{36}$/s,
  price: /^\d{13,16} [0-9a-f-]{36}$/,
  relevance: /^\d{3} [0-9a-f-]{36}$/,
  rating: /^\d\.\d{3} \d{9} [0-9a-f-]{36}$/,
};

/** The place of a key. @param key of the order's shape */
export function placeOf(order: Order, key: string): Place {
  switch (order) {
    case "newest":
      return { rank: timeOf(key), name: "", id: key };
    case "name": {
      const end = key.lastIndexOf(NAME_END);
      const name = key.slice(0, end);
      return { rank: headOf(name), name, id: key.slice(end + NAME_END.length) };
    }
    case "price":
    case "relevance": {
      const [rank = "", id = ""] = key.split(" ");
      return { rank: Number(rank), name: "", id };
    }
    case "rating": {
      const [average = "", count = "", id = ""] = key.split(" ");
      return { rank: ratingRank(Number(average), Number(count)), name: "", id };
    }
  }
}

/** The time in a UUIDv7. Ids of different times sort like them. */
export const timeOf = (id: string): number => Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16) || 0;

const HEAD_LENGTH = 6;

/** A number from the first characters of a text. Texts whose numbers differ sort like them. */
export function headOf(text: string): number {
  let head = 0;
  let at = 0;
  for (; at < HEAD_LENGTH && at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit > 254) {
      // Further characters must not decide between two of these.
      head = head * 256 + 255;
      at++;
      break;
    }
    head = head * 256 + unit;
  }
  return head * 256 ** (HEAD_LENGTH - at);
}

const digits = (value: number, length: number): string => String(value).padStart(length, "0");
