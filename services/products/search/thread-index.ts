/**
 * The search index of a large catalogue, in a thread of its own. A search of it takes milliseconds, and meanwhile the
 * node does other work.
 */
import { Worker } from "node:worker_threads";
import { SoukError } from "../../../broker/contract/errors.ts";
import type { SearchLanguage } from "../text/stemmer.ts";
import type { SearchEngine, SearchedProduct, SearchQuery, SearchResult } from "./product-search.ts";

/** So many products go to the thread in one message. */
const BATCH = 250;
/** Searches that wait. The thread answers several hundred a second. */
const MAX_WAITING = 1_000;
/** Whoever still has an index that was replaced may ask it for so long. */
const RETIRED_MS = 30_000;
/** 100,000 products of the demo catalogue take some 150 MB. */
const MEMORY = { maxOldGenerationSizeMb: 4_096, maxYoungGenerationSizeMb: 32 };

export type IndexRequest =
  | { kind: "put"; products: readonly SearchedProduct[] }
  | { kind: "search"; query: SearchQuery }
  | { kind: "productsBySku"; beginning: string; limit: number };

export type IndexReply = { id: number; isWorn: boolean } & ({ result: unknown } | { error: unknown });

export class ThreadIndex implements SearchEngine {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #batch: SearchedProduct[] = [];
  #lastId = 0;
  #isWorn = false;
  #isLost = false;

  /**
   * @param language of the catalogue
   * @param currency of the shop
   */
  constructor(language: SearchLanguage, currency: string) {
    this.#worker = new Worker(new URL("index-thread.ts", import.meta.url), {
      workerData: { language, currency },
      resourceLimits: MEMORY,
    });
    this.#worker.unref();
    this.#worker.on("message", (reply: IndexReply) => this.#settle(reply));
    this.#worker.on("error", (error) => this.#lose(error));
    this.#worker.on("exit", () => this.#lose(new Error("the search index has stopped")));
  }

  get isWorn(): boolean {
    return this.#isWorn;
  }

  get isLost(): boolean {
    return this.#isLost;
  }

  /** Resolves at once, or after the thread has taken all products so far, so that few of them wait for it. */
  async put(product: SearchedProduct): Promise<void> {
    this.#batch.push(product);
    if (this.#batch.length >= BATCH) await this.#sendBatch();
  }

  async search(query: SearchQuery): Promise<SearchResult> {
    return (await this.#ask({ kind: "search", query })) as SearchResult;
  }

  async productsBySku(beginning: string, limit: number): Promise<string[]> {
    return (await this.#ask({ kind: "productsBySku", beginning, limit })) as string[];
  }

  retire(): void {
    setTimeout(() => void this.stop(), RETIRED_MS).unref();
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }

  async #ask(request: IndexRequest): Promise<unknown> {
    if (this.#waiting.size >= MAX_WAITING)
      throw new SoukError("UNAVAILABLE", "Too many searches wait. Try again.");
    // A product that the thread could not take fails whoever asks next, because the index is not right any more.
    const [, answer] = await Promise.all([
      this.#batch.length > 0 ? this.#sendBatch() : undefined,
      this.#send(request),
    ]);
    return answer;
  }

  #sendBatch(): Promise<unknown> {
    const products = this.#batch;
    this.#batch = [];
    return this.#send({ kind: "put", products });
  }

  #send(request: IndexRequest): Promise<unknown> {
    if (this.#isLost) throw new SoukError("UNAVAILABLE", "The search index is being built. Try again.");
    const id = ++this.#lastId;
    const reply = Promise.withResolvers<unknown>();
    this.#waiting.set(id, reply);
    this.#worker.postMessage({ id, request });
    return reply.promise;
  }

  #settle(reply: IndexReply): void {
    const asked = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    this.#isWorn = reply.isWorn;
    if ("error" in reply) asked?.reject(reply.error);
    else asked?.resolve(reply.result);
  }

  #lose(error: unknown): void {
    this.#isLost = true;
    for (const it of this.#waiting.values()) it.reject(error);
    this.#waiting.clear();
  }
}
