/**
 * The process that opens pictures of others. It has one at a time, and nothing of the shop: what a decoder does with hostile
 * bytes stays here. Only decoders of JPEG, PNG and WebP are there.
 */
import type { PictureReply, PictureRequest } from "./resize-pictures.ts";

/** Some 160 MB when they are unpacked. */
const MAX_PIXELS = 40_000_000;
const WIDTHS = [320, 800, 1_600];
const QUALITY = 80;

const { default: sharp } = await import("sharp");
sharp.block({ operation: ["VipsForeignLoad"] });
sharp.unblock({ operation: ["VipsForeignLoadJpeg", "VipsForeignLoadPng", "VipsForeignLoadWebp"] });
sharp.cache(false);
sharp.concurrency(1);

/** Encoded again, turned as the camera says, without metadata. The largest one first. */
async function resized(bytes: Uint8Array): Promise<PictureReply["pictures"]> {
  const pictures: PictureReply["pictures"] = [];
  let from: Uint8Array = bytes;
  for (const width of WIDTHS.toReversed()) {
    const { data, info } = await sharp(from, { limitInputPixels: MAX_PIXELS, failOn: "error" })
      .autoOrient()
      .resize({ width, withoutEnlargement: true })
      .webp({ quality: QUALITY })
      .toBuffer({ resolveWithObject: true });
    if (pictures.some((it) => it.width === info.width)) continue;
    pictures.push({ width: info.width, height: info.height, bytes: new Uint8Array(data) });
    from = data;
  }
  return pictures;
}

process.on("message", ({ id, bytes }: PictureRequest) => {
  resized(bytes).then(
    (pictures) => process.send?.({ id, pictures } satisfies PictureReply),
    () => process.send?.({ id, pictures: [] } satisfies PictureReply),
  );
});
process.on("disconnect", () => process.exit());
