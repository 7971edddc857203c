/** Renders documents off the main thread, and caches the results. Documents never change. */
import { Worker } from "node:worker_threads";
import { LRUCache } from "lru-cache";
import type { PrintedDocument } from "./printed-document.ts";

/** Size of the cache in bytes. */
const MAX_KEPT = 16 * 1024 * 1024;

/** Megabytes of objects that the thread has just made. Node's default is far more. */
const YOUNG_MB = 12;

export interface RenderRequest {
  id: number;
  document: PrintedDocument;
}

export type Rendered = { id: number; bytes: Uint8Array } | { id: number; error: unknown };

export interface PdfPrinter {
  /** @throws when rendering fails, which is a bug, or when the printer is closed meanwhile */
  print(document: PrintedDocument): Promise<Buffer>;
  close(): Promise<void>;
}

export function createPdfPrinter(): PdfPrinter {
  const kept = new LRUCache<string, Buffer>({ maxSize: MAX_KEPT, sizeCalculation: (it) => it.length });
  const underWay = new Map<string, Promise<Buffer>>();
  const waiting = new Map<number, PromiseWithResolvers<Buffer>>();
  let nextId = 0;
  let worker: Worker | undefined;

  /** Created on first use, because most nodes never print. After a crash, the next document creates a new one. */
  function open(): Worker {
    const made = new Worker(new URL("pdf-worker.ts", import.meta.url), {
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
    });
    made.unref();
    made.on("message", (it: Rendered) => {
      const { resolve, reject } = waiting.get(it.id) ?? {};
      waiting.delete(it.id);
      if ("bytes" in it) resolve?.(Buffer.from(it.bytes));
      else reject?.(it.error);
    });
    const end = (error: unknown) => {
      if (worker !== made) return;
      worker = undefined;
      for (const { reject } of waiting.values()) reject(error);
      waiting.clear();
    };
    made.on("error", end);
    made.on("exit", () => end(new Error("the printer has stopped")));
    return made;
  }

  function render(document: PrintedDocument): Promise<Buffer> {
    const id = nextId++;
    const result = Promise.withResolvers<Buffer>();
    waiting.set(id, result);
    worker ??= open();
    worker.postMessage({ id, document } satisfies RenderRequest);
    return result.promise;
  }

  return {
    async print(document) {
      const { number } = document;
      const found = kept.get(number);
      if (found) return found;
      const running =
        underWay.get(number) ??
        render(document)
          .then((bytes) => {
            kept.set(number, bytes);
            return bytes;
          })
          .finally(() => underWay.delete(number));
      underWay.set(number, running);
      return running;
    },
    async close() {
      await worker?.terminate();
    },
  };
}
