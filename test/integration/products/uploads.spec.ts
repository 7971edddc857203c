/** Pictures over HTTP: what is taken, what is made of it, and what is refused. */
import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import sharp from "sharp";
import { firstAdmin, type Person } from "../../../souk/testing/people.ts";
import { type Shop, startShop } from "../../../souk/testing/start-shop.ts";

interface Uploaded {
  sizes: { path: string; width: number; height: number }[];
  code?: string;
}

describe("uploaded pictures", function () {
  this.timeout(60_000);
  let shop: Shop;
  let admin: Person;
  before(async () => {
    shop = await startShop();
    admin = await firstAdmin(shop.http);
  });
  after(() => shop.stop());

  async function upload(bytes: Uint8Array, type: string): Promise<{ status: number; body: Uploaded }> {
    const reply = await fetch(`${shop.url}/api/v1/uploads`, {
      method: "POST",
      headers: { authorization: `Bearer ${admin.accessToken}`, "content-type": type },
      body: Buffer.from(bytes),
    });
    return { status: reply.status, body: (await reply.json()) as Uploaded };
  }

  const kept = (folder: string): string[] => {
    const path = join(shop.dataDir, "files", folder);
    return existsSync(path) ? readdirSync(path, { recursive: true }).map(String) : [];
  };

  const canvas = (width: number, height: number) =>
    sharp({ create: { width, height, channels: 3, background: "#b5651d" } });

  it("are refused where they lie about their type, are none, or would fill the memory", async () => {
    const png = await canvas(10, 10).png().toBuffer();
    for (const [bytes, type, status, code] of [
      [png, "image/jpeg", 422, "PICTURE_REFUSED"],
      [Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'), "image/png", 422, "PICTURE_REFUSED"],
      [Buffer.from("<script>alert(1)</script>"), "image/webp", 422, "PICTURE_REFUSED"],
      [png.subarray(0, 40), "image/png", 422, "PICTURE_REFUSED"],
      [bomb(60_000, 60_000), "image/png", 422, "PICTURE_REFUSED"],
      [png, "image/svg+xml", 415, "UNSUPPORTED_MEDIA_TYPE"],
      [png, "image/gif", 415, "UNSUPPORTED_MEDIA_TYPE"],
      [Buffer.alloc(10_000_001), "image/png", 413, "BODY_TOO_LARGE"],
    ] as const) {
      const reply = await upload(bytes, type);
      assert.deepEqual([reply.status, reply.body.code], [status, code], type);
    }
    assert.deepEqual(kept("pictures"), []);
    assert.deepEqual(
      kept("received").filter((it) => it.includes("/")),
      [],
    );
  });

  it("are made again in several widths, turned, and without what the camera wrote", async () => {
    const jpeg = await canvas(2_000, 1_000)
      .withExif({ IFD0: { Copyright: "a secret place" } })
      .withMetadata({ orientation: 6 })
      .jpeg()
      .toBuffer();
    const { status, body } = await upload(jpeg, "image/jpeg");
    assert.equal(status, 201, JSON.stringify(body));
    assert.deepEqual(
      body.sizes.map(({ width, height }) => [width, height]),
      [
        [1_000, 2_000],
        [800, 1_600],
        [320, 640],
      ],
    );
    for (const { path, width } of body.sizes) {
      const reply = await fetch(shop.url + path);
      const bytes = Buffer.from(await reply.arrayBuffer());
      assert.equal(reply.headers.get("content-type"), "image/webp");
      assert.equal(reply.headers.get("cache-control"), "public, max-age=31536000, immutable");
      assert.equal(reply.headers.get("x-content-type-options"), "nosniff");
      assert.match(reply.headers.get("content-security-policy") ?? "", /default-src 'none'.*sandbox/);
      const made = await sharp(bytes).metadata();
      assert.deepEqual(
        [made.format, made.width, made.exif, made.orientation],
        ["webp", width, undefined, undefined],
      );
      assert.ok(!bytes.includes("secret"));
    }
    assert.deepEqual((await upload(jpeg, "image/jpeg")).body, body, "the same again");
  });

  it("are taken by products, and are not there under other names", async () => {
    const { body } = await upload(await canvas(30, 20).webp().toBuffer(), "image/webp");
    const [{ path = "" } = {}] = body.sizes;
    const product = await admin.http.expect<{ images: string[] }>(201, "POST", "/products", {
      body: {
        name: "Canvas",
        images: [path],
        variants: [{ sku: "CANVAS", price: { amount: 1, currency: "USD" } }],
      },
    });
    assert.deepEqual(product.images, [path]);
    for (const name of [`${"0".repeat(40)}-320.webp`, "..%2f..%2fmongo", "a.webp"])
      assert.ok([404, 422].includes((await shop.http.request("GET", `/files/${name}`)).status), name);
  });
});

/** A PNG that says it has so many pixels. */
function bomb(width: number, height: number): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 0, 0, 0, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const data = Buffer.from("789c0300000000010000", "hex");
  return Buffer.concat([
    signature,
    chunk("IHDR", header),
    chunk("IDAT", data),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, sum]);
}
