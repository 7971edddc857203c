/** Which addresses webhooks may be sent to: in whatever form a private one is written, it is refused. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createPoster } from "../../../broker/http/outbound/post.ts";
import { isPublicAddress, urlError } from "../../../broker/http/outbound/public-address.ts";

const rules = { allowPrivate: false, production: true };

const NOT_PUBLIC = [
  "127.0.0.1",
  "127.255.255.254",
  "0.0.0.0",
  "10.0.0.1",
  "172.16.0.1",
  "172.31.255.255",
  "192.168.1.1",
  "169.254.169.254",
  "100.64.0.1",
  "100.127.255.255",
  "192.0.0.1",
  "192.0.2.1",
  "198.18.0.1",
  "203.0.113.1",
  "224.0.0.1",
  "240.0.0.1",
  "255.255.255.255",
  "::",
  "::1",
  "::127.0.0.1",
  "::7f00:1",
  "::ffff:127.0.0.1",
  "::ffff:7f00:1",
  "::ffff:8.8.8.8",
  "64:ff9b::7f00:1",
  "64:ff9b:1::a00:1",
  "2002:7f00:1::",
  "2001::1",
  "2001:db8::1",
  "3fff::1",
  "fc00::1",
  "fd00:ec2::254",
  "fe80::1",
  "fe80::1%eth0",
  "fec0::1",
  "ff02::1",
  "not an address",
];
const PUBLIC = ["8.8.8.8", "93.184.216.34", "100.63.255.255", "172.32.0.1", "2606:4700::1111"];

const REFUSED = [
  "https://127.1/",
  "https://2130706433/",
  "https://0x7f.0.0.1/",
  "https://0177.0.0.1/",
  "https://0x7f000001/",
  "https://[::ffff:7f00:1]/",
  "https://[::127.0.0.1]/",
  "https://0/",
  "https://169.254.169.254/latest/meta-data",
  "https://１２７.０.０.１/",
  "https://localhost/",
  "https://LOCALHOST./",
  "https://shop.localhost/",
  "https://db.internal/",
  "https://printer.local/",
  "https://mongo/",
  "https://user:secret@example.com/",
  "https://user@example.com/",
  "https://example.com/#part",
  "https://example.com:25/",
  "https://example.com:22/",
  "http://example.com/",
  "ftp://example.com/",
  "file:///etc/passwd",
  "javascript:alert(1)",
  "example.com",
  "https://",
  "https://exa mple.com/",
];

describe("Addresses of webhooks", () => {
  for (const address of NOT_PUBLIC)
    it(`${address} is not public`, () => assert.equal(isPublicAddress(address), false));
  for (const address of PUBLIC)
    it(`${address} is public`, () => assert.equal(isPublicAddress(address), true));
  for (const url of REFUSED)
    it(`${url} is refused`, () => assert.equal(typeof urlError(url, rules), "string"));

  it("takes public ones", () => {
    for (const url of ["https://example.com/hook?key=1", "https://example.com:8443/", "https://8.8.8.8/"])
      assert.equal(urlError(url, rules), undefined);
    assert.equal(urlError("http://example.com/", { ...rules, production: false }), undefined);
  });
});

describe("A request to an address", () => {
  const settings = { timeoutMs: 2_000, concurrency: 1 };

  async function withServer(work: (port: number, reached: () => number) => Promise<void>): Promise<void> {
    let reached = 0;
    const server = createServer((_, res) => {
      reached++;
      res.end("ok");
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    try {
      await work((server.address() as AddressInfo).port, () => reached);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  }

  it("is not made to a private address, given as such or by a name", () =>
    withServer(async (port, reached) => {
      const poster = createPoster({
        ...settings,
        allowPrivate: false,
        resolve: async () => [
          { address: "8.8.8.8", family: 4 },
          { address: "127.0.0.1", family: 4 },
        ],
      });
      for (const host of ["127.0.0.1", "2130706433", "[::ffff:127.0.0.1]", "rebinding.example.com"])
        await assert.rejects(poster.post(new URL(`http://${host}:${port}/`), {}, "{}"), /not public/);
      assert.equal(reached(), 0);
      poster.close();
    }));

  it("resolves the name once, and connects to what it has checked", () =>
    withServer(async (port, reached) => {
      let asked = 0;
      const resolve = async () => {
        asked++;
        return [{ address: asked === 1 ? "127.0.0.1" : "192.0.2.1", family: 4 }];
      };
      const poster = createPoster({ ...settings, allowPrivate: true, resolve });
      const { status, text } = await poster.post(new URL(`http://rebinding.example.com:${port}/`), {}, "{}");
      assert.deepEqual([status, text, asked, reached()], [200, "ok", 1, 1]);
      poster.close();
    }));
});
