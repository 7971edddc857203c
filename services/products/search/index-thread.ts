/** The thread of a {@link ThreadIndex}. It answers its messages one after the other, so each search knows the puts before it. */
import { parentPort, workerData } from "node:worker_threads";
import { z } from "zod";
import { loadAnalyzer, SEARCH_LANGUAGES } from "../text/stemmer.ts";
import { MemoryIndex } from "./memory-index.ts";
import type { IndexReply, IndexRequest } from "./thread-index.ts";

const given = z.object({ language: z.enum(SEARCH_LANGUAGES), currency: z.string() }).parse(workerData);
const index = new MemoryIndex(await loadAnalyzer(given.language), given.currency);

parentPort?.on("message", ({ id, request }: { id: number; request: IndexRequest }) => {
  const reply: IndexReply = { id, ...answered(request), isWorn: index.isWorn };
  parentPort?.postMessage(reply);
});

function answered(request: IndexRequest): { result: unknown } | { error: unknown } {
  try {
    return { result: answer(request) };
  } catch (error) {
    return { error };
  }
}

function answer(request: IndexRequest): unknown {
  switch (request.kind) {
    case "put":
      for (const product of request.products) index.put(product);
      return undefined;
    case "search":
      return index.search(request.query);
    case "productsBySku":
      return index.productsBySku(request.beginning, request.limit);
  }
}
