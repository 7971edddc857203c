import assert from "node:assert/strict";
import type { Socket } from "node:net";
import fc from "fast-check";
import { clientAddress } from "../../../broker/http/limits/client-address.ts";

const PEER = "10.0.0.9";
const from = (hops: number, forwarded?: string, remoteAddress: string | undefined = PEER) =>
  clientAddress(
    {
      headers: forwarded === undefined ? {} : { "x-forwarded-for": forwarded },
      socket: { remoteAddress } as Socket,
    },
    hops,
  );

describe("the client's address", () => {
  it("is the peer's while no proxy is trusted, whatever a client writes", () => {
    fc.assert(
      fc.property(fc.option(fc.string(), { nil: undefined }), (text) => {
        assert.equal(from(0, text), PEER);
      }),
    );
  });

  it("is as many entries from the right as there are trusted proxies", () => {
    assert.equal(from(1, "6.6.6.6, 203.0.113.7"), "203.0.113.7");
    assert.equal(from(2, "6.6.6.6, 203.0.113.7, 10.0.0.8"), "203.0.113.7");
    assert.equal(from(1, "203.0.113.7"), "203.0.113.7");
  });

  it("is not moved by anything that a client puts in front", () => {
    fc.assert(
      fc.property(fc.array(fc.string()), fc.ipV4(), (lies, address) => {
        assert.equal(from(1, [...lies, address].join(",")), address);
      }),
    );
  });

  it("is the outermost entry where there are fewer than trusted proxies, and the peer's where there is none", () => {
    assert.equal(from(3, "203.0.113.7"), "203.0.113.7");
    assert.equal(from(3), PEER);
    assert.equal(from(1, ""), PEER);
  });

  it("is the peer's where the entry is no address", () => {
    for (const bad of [
      "unknown",
      "_hidden",
      "203.0.113.7, ",
      "203.0.113",
      "x".repeat(9_000),
      "[::1",
      "1.2.3.4:x",
    ])
      assert.equal(from(1, bad), PEER, bad);
  });

  it("is without port and brackets", () => {
    assert.equal(from(1, "203.0.113.7:51234"), "203.0.113.7");
    assert.equal(from(1, "[2001:db8::1]:51234"), "2001:db8::1");
    assert.equal(from(1, "[2001:db8::1]"), "2001:db8::1");
    assert.equal(from(1, "2001:db8::1"), "2001:db8::1");
  });
});
