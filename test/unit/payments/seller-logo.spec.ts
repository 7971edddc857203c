/** The seller's logo: checked at the start, and printed. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32, deflateSync } from "node:zlib";
import { ConfigError } from "../../../broker/contract/variables.ts";
import { printedInvoice } from "../../../services/payments/invoices/printed-document.ts";
import { renderPdf } from "../../../services/payments/invoices/render-pdf.ts";
import { readLogo } from "../../../services/payments/invoices/seller-logo.ts";
import { anInvoice } from "../../support/invoices.ts";

const chunk = (type: string, data: Buffer): Buffer => {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length);
  body.copy(out, 4);
  out.writeUInt32BE(crc32(body), body.length + 4);
  return out;
};

interface Picture {
  width?: number;
  height?: number;
  depth?: number;
  interlaced?: number;
  rows?: Buffer;
}

/** A red picture with an alpha channel. */
function png({ width = 60, height = 20, depth = 8, interlaced = 0, rows }: Picture = {}): Buffer {
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([depth, 6, 0, 0, interlaced], 8);
  const row = Buffer.concat([
    Buffer.alloc(1),
    ...Array.from({ length: Math.min(width, 100) }, () => Buffer.from([200, 30, 30, 255])),
  ]);
  const pixels = rows ?? Buffer.concat(Array.from({ length: Math.min(height, 100) }, () => row));
  return Buffer.concat([
    Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
    chunk("IHDR", head),
    chunk("IDAT", deflateSync(pixels)),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

/** The parts of a JPEG that say how large it is. */
const jpeg = (width: number, height: number): Buffer => {
  const frame = Buffer.from([
    0xff,
    0xc0,
    0,
    11,
    8,
    height >> 8,
    height & 255,
    width >> 8,
    width & 255,
    1,
    1,
    0x11,
    0,
  ]);
  return Buffer.concat([Buffer.from([0xff, 0xd8]), frame, Buffer.from([0xff, 0xd9])]);
};

describe("the seller's logo", () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "souk-logo-"));
  });
  after(() => rmSync(folder, { recursive: true }));

  const file = (bytes: Buffer, name = "logo"): string => {
    const path = join(folder, name);
    writeFileSync(path, bytes);
    return path;
  };

  it("may be missing", () => assert.equal(readLogo(undefined), null));

  it("is a PNG or a JPEG, with its size", () => {
    const { width, height } = readLogo(file(png())) ?? assert.fail();
    assert.deepEqual([width, height], [60, 20]);
    const photo = readLogo(file(jpeg(300, 100))) ?? assert.fail();
    assert.deepEqual([photo.width, photo.height], [300, 100]);
  });

  const damaged = png();
  damaged[40] = (damaged[40] ?? 0) ^ 1;
  const refused: readonly [what: string, bytes: Buffer, why: RegExp][] = [
    ["an SVG", Buffer.from("<svg/>"), /neither a PNG nor a JPEG/],
    ["an empty file", Buffer.alloc(0), /neither a PNG nor a JPEG/],
    ["a large file", Buffer.alloc(1_000_001), /larger than 1 MB/],
    ["a PNG that is cut off", png().subarray(0, 60), /cut off/],
    ["a damaged PNG", damaged, /damaged/],
    ["a PNG with too few rows", png({ rows: Buffer.alloc(10) }), /damaged/],
    ["a PNG that unpacks to more than it says", png({ rows: Buffer.alloc(10_000_000) }), /damaged/],
    ["an interlaced PNG", png({ interlaced: 1 }), /interlaced/],
    ["a PNG with 16 bits per channel", png({ depth: 16 }), /8 bits per channel/],
    ["a PNG of too many pixels", png({ width: 60_000, height: 60_000 }), /more than 4 million/],
    ["a JPEG of too many pixels", jpeg(30_000, 30_000), /more than 4 million/],
    ["a JPEG that is cut off", jpeg(30, 30).subarray(0, 10), /cut off/],
    ["a JPEG without pixels", jpeg(0, 0), /no pixels/],
  ];
  for (const [what, bytes, why] of refused)
    it(`is not ${what}`, () => {
      assert.throws(
        () => readLogo(file(bytes)),
        (error) =>
          error instanceof ConfigError && /^SELLER_LOGO: /.test(error.message) && why.test(error.message),
      );
    });

  it("must be there", () => {
    assert.throws(() => readLogo(join(folder, "none.png")), /^ConfigError: SELLER_LOGO: .* can't be read/);
  });

  it("is on the first page", async () => {
    const document = printedInvoice(anInvoice(), () => "Stripe");
    const without = await renderPdf(document);
    const logo = readLogo(file(png()));
    const pdf = await renderPdf(document, logo);
    assert.ok(!without.includes("/Subtype /Image"));
    assert.ok(pdf.includes("/Subtype /Image"));
  });
});
