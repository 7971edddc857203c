/** Makes the search index of a catalogue: in the node's own thread while it is small, in another where it is large. */
import type { Model } from "mongoose";
import type { Product } from "../models/product.model.ts";
import { loadAnalyzer, type SearchLanguage } from "../text/stemmer.ts";
import { MemoryIndex } from "./memory-index.ts";
import type { SearchEngine } from "./product-search.ts";
import { ThreadIndex } from "./thread-index.ts";

/** From so many products on, searches take long enough to pay for the messages, and the thread's memory. */
export const LARGE = 5_000;

export interface IndexSettings {
  readonly SEARCH_LANGUAGE: SearchLanguage;
  readonly CURRENCY: string;
}

/** @param large number of products from which on the index has a thread of its own */
export async function newIndex(
  products: Model<Product>,
  { SEARCH_LANGUAGE, CURRENCY }: IndexSettings,
  large = LARGE,
): Promise<SearchEngine> {
  if ((await products.estimatedDocumentCount()) >= large) return new ThreadIndex(SEARCH_LANGUAGE, CURRENCY);
  // An index that has grown beyond twice the size is renewed, and becomes a large one.
  return new MemoryIndex(await loadAnalyzer(SEARCH_LANGUAGE), CURRENCY, 2 * large);
}
