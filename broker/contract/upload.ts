/**
 * Files that clients send. The gateway passes a file on in parts: it calls the action that keeps a part, for one part
 * after the other, and then the action of the route. So nobody holds a whole file in memory.
 */
import { z } from "zod";
import { id, line } from "./schemas.ts";

/** Size of all parts but the last one. */
export const PART_BYTES = 512 * 1024;
const MAX_BASE64 = Math.ceil(PART_BYTES / 3) * 4;
const MAX_PARTS = 10_000;

export interface UploadContract {
  /** Action of the same service that keeps one part. It takes an {@link uploadedPart}. */
  readonly part: string;
  /** Media types that are taken. */
  readonly types: readonly string[];
  /** Bytes of a whole file, at most. */
  readonly max: number;
}

/** Parameters of the action that keeps a part. */
export const uploadedPart = z.strictObject({
  uploadId: id,
  number: z.int().min(0).max(MAX_PARTS),
  bytes: z.base64().max(MAX_BASE64),
});
export type UploadedPart = z.output<typeof uploadedPart>;

/** `file`, the parameter that an uploading route adds when all parts are kept. */
export const uploadedFile = z
  .strictObject({
    id: id.meta({ description: "Of the upload: its parts are kept under it" }),
    type: line(100).meta({ description: "Media type", examples: ["text/csv"] }),
    bytes: z.int().min(0),
    parts: z.int().min(0).max(MAX_PARTS),
  })
  .meta({ id: "UploadedFile", description: "A file that was received" });
export type UploadedFile = z.output<typeof uploadedFile>;
