/** Receives a file and passes it on in parts. One part is in memory; the client waits while a part is being kept. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { SoukError } from "../../contract/errors.ts";
import { newId } from "../../contract/ids.ts";
import {
  PART_BYTES,
  type UploadContract,
  type UploadedFile,
  type UploadedPart,
} from "../../contract/upload.ts";
import { ClientGoneError } from "../problem.ts";
import { type BodyBounds, checkEncoding, checkLength, GRACE_MS, hasBody, tooSlow } from "./body.ts";

const CHARSET = /^\s*charset\s*=\s*"?utf-8"?\s*$/i;

/**
 * The media type of a file, without parameters.
 * @throws {SoukError} UNSUPPORTED_MEDIA_TYPE for another one, and for text that is not in UTF-8
 */
export function fileType(header: string | undefined, types: readonly string[]): string {
  const [type = "", ...parameters] = (header ?? "").slice(0, 200).split(";");
  const found = types.find((it) => it === type.trim().toLowerCase());
  if (found === undefined)
    throw new SoukError("UNSUPPORTED_MEDIA_TYPE", `The body must be ${types.join(", ")}.`);
  if (parameters.some((it) => /charset/i.test(it) && !CHARSET.test(it)))
    throw new SoukError("UNSUPPORTED_MEDIA_TYPE", "The file must be in UTF-8.");
  return found;
}

/**
 * @param keep keeps one part, and resolves when it is kept
 * @throws {SoukError} BODY_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE, SLOW_REQUEST, VALIDATION_FAILED for an empty file
 */
export async function receiveFile(
  req: IncomingMessage,
  res: ServerResponse,
  type: string,
  { max }: UploadContract,
  minRate: BodyBounds["minRate"],
  keep: (part: UploadedPart) => Promise<unknown>,
): Promise<UploadedFile> {
  checkEncoding(req);
  checkLength(req, res, max);
  if (!hasBody(req)) throw emptyFile();
  if (req.headers.expect !== undefined) res.writeContinue();
  const file = { id: newId(), type, bytes: 0, parts: 0 };
  for await (const bytes of partsOf(req, res, { limit: max, minRate })) {
    await keep({ uploadId: file.id, number: file.parts, bytes: bytes.toString("base64") });
    file.bytes += bytes.length;
    file.parts++;
  }
  if (file.bytes === 0) throw emptyFile();
  return file;
}

async function* partsOf(
  req: IncomingMessage,
  res: ServerResponse,
  { limit, minRate }: BodyBounds,
): AsyncGenerator<Buffer> {
  let part: Buffer[] = [];
  let held = 0;
  let size = 0;
  for await (const chunk of chunksOf(req, res, minRate)) {
    size += chunk.length;
    if (size > limit) throw tooLargeFile(res, limit);
    for (let rest = chunk; rest.length > 0; ) {
      const piece = rest.subarray(0, PART_BYTES - held);
      rest = rest.subarray(piece.length);
      part.push(piece);
      held += piece.length;
      if (held < PART_BYTES) continue;
      yield Buffer.concat(part);
      part = [];
      held = 0;
    }
  }
  if (held > 0) yield Buffer.concat(part);
}

/** Only the time that the client lets us wait counts against it. */
async function* chunksOf(req: IncomingMessage, res: ServerResponse, minRate: number): AsyncGenerator<Buffer> {
  const chunks: AsyncIterator<Buffer> = req[Symbol.asyncIterator]();
  let waited = 0;
  let size = 0;
  try {
    for (;;) {
      const begun = performance.now();
      const patience = Math.max(GRACE_MS, (size / minRate) * 1_000) - waited;
      const next = await withPatience(chunks.next(), patience);
      waited += performance.now() - begun;
      if (next === undefined) throw tooSlow(res, minRate);
      if (next.done) return;
      size += next.value.length;
      yield next.value;
    }
  } catch (error) {
    if (req.destroyed && !req.complete && !(error instanceof SoukError))
      throw new ClientGoneError("the upload was aborted");
    throw error;
  }
}

/** Undefined when it takes longer. */
async function withPatience<T>(work: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), Math.max(1, ms));
  });
  try {
    return await Promise.race([work, over]);
  } finally {
    clearTimeout(timer);
  }
}

function tooLargeFile(res: ServerResponse, limit: number): SoukError {
  res.setHeader("Connection", "close");
  return new SoukError("BODY_TOO_LARGE", `The file may have at most ${limit} bytes.`);
}

const emptyFile = (): SoukError => new SoukError("VALIDATION_FAILED", "The file is empty.");
