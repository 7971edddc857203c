/** What a reader of PDFs finds in one. */
import { extractText, getDocumentProxy, getMeta } from "unpdf";

export interface ReadPdf {
  /** The text of each page. */
  pages: string[];
  /** The text of all pages. */
  text: string;
  info: Record<string, unknown>;
  attachments: Record<string, string>;
}

export async function readPdf(bytes: Uint8Array): Promise<ReadPdf> {
  const pdf = await getDocumentProxy(new Uint8Array(bytes));
  const { text: pages } = await extractText(pdf, { mergePages: false });
  const { info } = await getMeta(pdf);
  const attachments: Record<string, string> = {};
  for (const [id, { filename }] of (await pdf.getAttachments()) ?? []) {
    const content = (await pdf.getAttachmentContent(id)) ?? new Uint8Array();
    attachments[filename] = Buffer.from(content).toString();
  }
  return { pages, text: pages.join("\n"), info, attachments };
}
