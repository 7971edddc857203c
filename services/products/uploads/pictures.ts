/** Pictures of staff: checked by their content, made again in several widths, and kept under a hash of their content. */
import { createHash } from "node:crypto";
import { SoukError } from "../../../broker/contract/errors.ts";
import type { UploadedFile, UploadedPart } from "../../../broker/contract/upload.ts";
import type { Files } from "../../../broker/files/files.ts";
import type { PictureResizer } from "./resize-pictures.ts";

export interface Picture {
  path: string;
  width: number;
  height: number;
}

/** Files of received parts, until the picture is made. */
const RECEIVED = "received/";
const PICTURES = "pictures/";
const PATH = "/api/v1/files/";
/** Time begins an id, so what has been left by broken uploads is known by it. */
const LEFT_MS = 24 * 60 * 60_000;

export const keepPart = (files: Files, { uploadId, number, bytes }: UploadedPart): Promise<void> =>
  files.put(partName(uploadId, number), Buffer.from(bytes, "base64"));

/**
 * @returns the picture in each width, the largest one first
 * @throws {SoukError} PICTURE_REFUSED for what is not what it says, or can't be opened
 */
export async function keepPicture(
  files: Files,
  resizer: PictureResizer,
  file: UploadedFile,
): Promise<Picture[]> {
  try {
    const parts: Buffer[] = [];
    for (let number = 0; number < file.parts; number++) {
      const part = await files.get(partName(file.id, number));
      if (!part) throw new Error(`a part of the upload ${file.id} is missing`);
      parts.push(part);
    }
    const bytes = Buffer.concat(parts);
    await checkType(bytes, file.type);
    const pictures = await resizer.resize(bytes);
    if (pictures.length === 0)
      throw new SoukError("PICTURE_REFUSED", "It can't be opened, or has more than 40 million pixels.");
    const hash = createHash("sha256").update(bytes).digest("hex").slice(0, 40);
    const kept: Picture[] = [];
    for (const { width, height, bytes } of pictures) {
      const name = `${hash}-${width}.webp`;
      await files.put(PICTURES + name, bytes, "image/webp");
      kept.push({ path: PATH + name, width, height });
    }
    return kept;
  } finally {
    for (let number = 0; number < file.parts; number++) await files.remove(partName(file.id, number));
  }
}

/** @throws {SoukError} NOT_FOUND */
export async function readPicture(files: Files, name: string): Promise<Buffer> {
  const found = await files.get(PICTURES + name);
  if (!found) throw new SoukError("NOT_FOUND", "There is no such file.");
  return found;
}

/** Removes what broken uploads have left. */
export async function removeLeftParts(files: Files, now: number): Promise<void> {
  for await (const name of files.list(RECEIVED)) {
    const [, id = ""] = name.split("/");
    const begun = Number.parseInt(id.replace("-", "").slice(0, 12), 16);
    if (begun < now - LEFT_MS) await files.remove(name);
  }
}

async function checkType(bytes: Uint8Array, said: string): Promise<void> {
  const { fileTypeFromBuffer } = await import("file-type");
  const found = await fileTypeFromBuffer(bytes);
  if (found?.mime === said) return;
  const is = found ? `is ${found.mime}` : "is no picture";
  throw new SoukError("PICTURE_REFUSED", `It says that it is ${said}, and ${is}.`);
}

const partName = (id: string, number: number): string => `${RECEIVED}${id}/${number}`;
