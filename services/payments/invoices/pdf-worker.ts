/** The thread that renders documents. A long document takes a good part of a second. */
import { parentPort } from "node:worker_threads";
import type { Rendered, RenderRequest } from "./pdf-printer.ts";
import { renderPdf } from "./render-pdf.ts";

parentPort?.on("message", async ({ id, document }: RenderRequest) => {
  let rendered: Rendered;
  try {
    rendered = { id, bytes: await renderPdf(document) };
  } catch (error) {
    rendered = { id, error };
  }
  parentPort?.postMessage(rendered);
});
