/**
 * Makes documents in another thread, one at a time, and caches the results. Documents never change. What waits, how long
 * one may take, and the thread's memory are bounded.
 */
import { Worker } from "node:worker_threads";
import { LRUCache } from "lru-cache";
import { SoukError } from "../../../broker/contract/errors.ts";
import type { CreditNote, Invoice } from "./invoice.model.ts";
import type { PrintedDocument } from "./printed-document.ts";
import type { Logo } from "./seller-logo.ts";

/** Size of the cache in bytes. */
const MAX_KEPT = 16 * 1024 * 1024;
const MAX_WAITING = 100;
/** The longest documents take a few seconds. */
const MAX_MS = 30_000;
const MEMORY = { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 12 };

/** A document to make: a PDF for people, or UBL for programs. */
export type RenderRequest =
  | { kind: "pdf"; document: PrintedDocument }
  | { kind: "invoice.xml"; document: Invoice; method: string }
  | { kind: "credit-note.xml"; document: CreditNote; method: string };

export type Rendered = { bytes: Uint8Array } | { error: unknown };

export interface PdfPrinter {
  /**
   * @throws {SoukError} UNAVAILABLE while too many documents wait
   * @throws when rendering fails, which is a bug, or when the printer is closed meanwhile
   */
  print(request: RenderRequest): Promise<Buffer>;
  close(): Promise<void>;
}

interface Job extends PromiseWithResolvers<Buffer> {
  request: RenderRequest;
}

/**
 * @param logo of the seller
 * @param maxMs how long one document may take
 */
export function createPdfPrinter(logo: Logo | null = null, maxMs = MAX_MS): PdfPrinter {
  const kept = new LRUCache<string, Buffer>({ maxSize: MAX_KEPT, sizeCalculation: (it) => it.length });
  const underWay = new Map<string, Promise<Buffer>>();
  const waiting: Job[] = [];
  let current: { job: Job; timer: NodeJS.Timeout } | undefined;
  let worker: Worker | undefined;

  /** Created on first use, because most nodes never print. After a crash, the next document creates a new one. */
  function open(): Worker {
    const made = new Worker(new URL("pdf-worker.ts", import.meta.url), {
      workerData: { logo },
      resourceLimits: MEMORY,
    });
    made.unref();
    made.on("message", (it: Rendered) => {
      if (worker !== made) return;
      if ("bytes" in it) finish((job) => job.resolve(Buffer.from(it.bytes)));
      else finish((job) => job.reject(it.error));
    });
    const end = (error: unknown) => {
      if (worker !== made) return;
      worker = undefined;
      finish((job) => job.reject(error));
    };
    made.on("error", end);
    made.on("exit", () => end(new Error("the printer has stopped")));
    return made;
  }

  function finish(settle: (job: Job) => void): void {
    if (!current) return;
    clearTimeout(current.timer);
    const { job } = current;
    current = undefined;
    settle(job);
    next();
  }

  function next(): void {
    const job = current ? undefined : waiting.shift();
    if (!job) return;
    worker ??= open();
    const printing = worker;
    const timer = setTimeout(() => {
      worker = undefined;
      void printing.terminate();
      finish((it) =>
        it.reject(new Error(`${it.request.document.number} took more than ${maxMs} ms to print`)),
      );
    }, maxMs);
    timer.unref();
    current = { job, timer };
    printing.postMessage(job.request);
  }

  function render(request: RenderRequest): Promise<Buffer> {
    if (waiting.length >= MAX_WAITING)
      throw new SoukError("UNAVAILABLE", "Too many documents are being printed. Try again.");
    const job: Job = { request, ...Promise.withResolvers<Buffer>() };
    waiting.push(job);
    next();
    return job.promise;
  }

  return {
    async print(request) {
      const key = `${request.kind} ${request.document.number}`;
      const found = kept.get(key);
      if (found) return found;
      const running =
        underWay.get(key) ??
        render(request)
          .then((bytes) => {
            kept.set(key, bytes);
            return bytes;
          })
          .finally(() => underWay.delete(key));
      underWay.set(key, running);
      return running;
    },
    async close() {
      for (const job of waiting.splice(0)) job.reject(new Error("the printer is closed"));
      await worker?.terminate();
    },
  };
}
