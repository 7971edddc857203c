/** The seller's logo. It is checked at the start, so that no invoice fails for it later. */
import { readFileSync, statSync } from "node:fs";
import { crc32, inflateSync } from "node:zlib";
import { ConfigError } from "../../../broker/contract/variables.ts";

const MAX_BYTES = 1_000_000;
const MAX_PIXELS = 4_000_000;

/** An image, with its size in pixels. */
export interface Logo extends Size {
  bytes: Uint8Array;
}

/**
 * @param path of a PNG or JPEG, or undefined for none
 * @throws {ConfigError} that says what is wrong with the file
 */
export function readLogo(path: string | undefined): Logo | null {
  if (path === undefined) return null;
  const refuse = (why: string): never => {
    throw new ConfigError(`SELLER_LOGO: ${path} ${why}`);
  };
  let bytes: Buffer;
  try {
    if (statSync(path).size > MAX_BYTES) refuse(`is larger than ${MAX_BYTES / 1_000_000} MB`);
    bytes = readFileSync(path);
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    return refuse(`can't be read: ${error instanceof Error ? error.message : String(error)}`);
  }
  const size = isPng(bytes)
    ? pngSize(bytes)
    : isJpeg(bytes)
      ? jpegSize(bytes)
      : "is neither a PNG nor a JPEG";
  if (typeof size === "string") return refuse(size);
  if (size.width === 0 || size.height === 0) refuse("has no pixels");
  if (size.width * size.height > MAX_PIXELS)
    refuse(`has ${size.width} × ${size.height} pixels, more than ${MAX_PIXELS / 1_000_000} million`);
  return { bytes, ...size };
}

interface Size {
  width: number;
  height: number;
}

const SIGNATURE = Buffer.from("\x89PNG\r\n\x1a\n", "latin1");
const isPng = (bytes: Buffer): boolean => bytes.subarray(0, 8).equals(SIGNATURE);
const isJpeg = (bytes: Buffer): boolean => bytes.subarray(0, 3).equals(Buffer.from([0xff, 0xd8, 0xff]));

/** Samples of a pixel, by colour type. */
const SAMPLES: ReadonlyMap<number, number> = new Map([
  [0, 1],
  [2, 3],
  [3, 1],
  [4, 2],
  [6, 4],
]);

/** The size of a complete PNG, or what is wrong with it. */
function pngSize(bytes: Buffer): Size | string {
  const parts: Buffer[] = [];
  let head: Buffer | undefined;
  let hasPalette = false;
  for (let at = 8; ; ) {
    if (at + 12 > bytes.length) return "is a PNG that is cut off";
    const length = bytes.readUInt32BE(at);
    const end = at + 12 + length;
    if (end > bytes.length) return "is a PNG that is cut off";
    if (crc32(bytes.subarray(at + 4, end - 4)) !== bytes.readUInt32BE(end - 4)) return "is a damaged PNG";
    const type = bytes.toString("latin1", at + 4, at + 8);
    const data = bytes.subarray(at + 8, end - 4);
    if (type === "IHDR") head = data;
    if (type === "PLTE") hasPalette = true;
    if (type === "IDAT") parts.push(data);
    if (type === "IEND") break;
    at = end;
  }
  if (head?.length !== 13) return "is a damaged PNG";
  const size = { width: head.readUInt32BE(0), height: head.readUInt32BE(4) };
  const [depth = 0, color = 0, , , interlaced] = head.subarray(8);
  const samples = SAMPLES.get(color);
  if (interlaced !== 0) return "is an interlaced PNG. Save it without interlacing";
  if (samples === undefined || depth > 8 || (color === 3 && !hasPalette))
    return "is a PNG of a kind that can't be printed. Save it with 8 bits per channel";
  if (size.width * size.height > MAX_PIXELS) return size;
  const expected = size.height * (1 + Math.ceil((size.width * samples * depth) / 8));
  try {
    const pixels = inflateSync(Buffer.concat(parts), { maxOutputLength: expected + 1 });
    return pixels.length === expected ? size : "is a damaged PNG";
  } catch {
    return "is a damaged PNG";
  }
}

/** The size of a JPEG, or what is wrong with it. Readers of PDFs decode it themselves. */
function jpegSize(bytes: Buffer): Size | string {
  const last = bytes.lastIndexOf(Buffer.from([0xff, 0xd9]));
  if (last === -1) return "is a JPEG that is cut off";
  for (let at = 2; at + 9 < bytes.length; ) {
    if (bytes[at] !== 0xff) return "is a damaged JPEG";
    const marker = bytes[at + 1] ?? 0;
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) return { height: bytes.readUInt16BE(at + 5), width: bytes.readUInt16BE(at + 7) };
    at += marker === 0xff ? 1 : 2 + bytes.readUInt16BE(at + 2);
  }
  return "is a damaged JPEG";
}
