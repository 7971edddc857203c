/** A part of an exported file. */
import type { TypedCall } from "../../../broker/moleculer/handlers.ts";

export interface ExportedPage {
  text: string;
  /** Where the next page begins; null on the last one. */
  next: string | null;
}

/** @param now when the part is asked for; milliseconds */
export type PageReader = (call: TypedCall, next: string | undefined, now: number) => Promise<ExportedPage>;
