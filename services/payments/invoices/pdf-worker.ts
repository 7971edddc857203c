/** The thread that makes documents. A long one takes seconds. */
import { parentPort, workerData } from "node:worker_threads";
import { z } from "zod";
import { ublCreditNote, ublInvoice } from "./electronic/ubl-document.ts";
import type { Rendered, RenderRequest } from "./pdf-printer.ts";
import { renderPdf } from "./render-pdf.ts";

const logoSchema = z.object({ bytes: z.instanceof(Uint8Array), width: z.number(), height: z.number() });
const { logo } = z.object({ logo: logoSchema.nullable() }).parse(workerData);

parentPort?.on("message", async (request: RenderRequest) => {
  let rendered: Rendered;
  try {
    rendered = { bytes: await render(request) };
  } catch (error) {
    rendered = { error };
  }
  parentPort?.postMessage(rendered);
});

async function render(request: RenderRequest): Promise<Uint8Array> {
  switch (request.kind) {
    case "pdf":
      return renderPdf(request.document, logo);
    case "invoice.xml":
      return Buffer.from(ublInvoice(request.document, request.method));
    case "credit-note.xml":
      return Buffer.from(ublCreditNote(request.document, request.method));
  }
}
