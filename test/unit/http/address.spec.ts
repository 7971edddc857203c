import assert from "node:assert/strict";
import { isIPv6 } from "node:net";
import fc from "fast-check";
import { addressKey, canonicalAddress } from "../../../broker/http/limits/address.ts";

const group = fc.nat(0xffff);
const groups = fc.tuple(group, group, group, group, group, group, group, group);
/** Many zeroes, so that there is something to shorten. */
const sparse = fc
  .tuple(groups, fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }))
  .map(([all, keep]) => all.map((it, i) => (keep[i] ? it : 0)));

/** The same address in one of the ways that it may be written. */
function spelled(all: readonly number[], pad: boolean, upper: boolean, short: number | undefined): string {
  const hex = all.map((it) => it.toString(16).padStart(pad ? 4 : 1, "0"));
  let text = hex.join(":");
  if (short !== undefined && all[short] === 0) {
    let end = short;
    while (all[end] === 0) end++;
    text = `${hex.slice(0, short).join(":")}::${hex.slice(end).join(":")}`;
  }
  return upper ? text.toUpperCase() : text;
}

describe("addresses", () => {
  it("have one spelling, whatever zeroes, case and length they are written with", () => {
    fc.assert(
      fc.property(
        sparse,
        fc.boolean(),
        fc.boolean(),
        fc.option(fc.nat(7), { nil: undefined }),
        (all, pad, upper, short) => {
          const text = spelled(all, pad, upper, short);
          assert.ok(isIPv6(text), text);
          const canonical = canonicalAddress(text);
          assert.equal(canonical, canonicalAddress(spelled(all, true, false, undefined)));
          assert.equal(canonicalAddress(canonical), canonical);
        },
      ),
    );
  });

  it("are IPv4 where they are IPv4 in IPv6's clothes", () => {
    fc.assert(
      fc.property(fc.ipV4(), (v4) => {
        const [a, b, c, d] = v4.split(".").map(Number) as [number, number, number, number];
        const hex = `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
        for (const text of [v4, `::ffff:${v4}`, `::FFFF:${hex}`, `0:0:0:0:0:ffff:${v4}`, `0000::ffff:${hex}`])
          assert.deepEqual([canonicalAddress(text), addressKey(text)], [v4, v4], text);
      }),
    );
  });

  it("count as one within an IPv6 /64, and apart from any other", () => {
    fc.assert(
      fc.property(groups, groups, fc.nat(3), (one, other, at) => {
        const text = (all: readonly number[]) => spelled(all, false, false, undefined);
        const [p, q, r, s] = one;
        fc.pre((p | q | r | s) !== 0);
        const near = [...one.slice(0, 4), ...other.slice(4)];
        assert.equal(addressKey(text(near)), addressKey(text(one)));
        const far = one.map((it, i) => (i === at ? it ^ 1 : it));
        assert.notEqual(addressKey(text(far)), addressKey(text(one)));
      }),
    );
    assert.equal(addressKey("2001:db8:1:2::1"), "2001:db8:1:2::/64");
    assert.equal(addressKey("2001:db8::1"), "2001:db8:0:0::/64");
    assert.equal(addressKey("::1"), addressKey("0:0:0:0::2"));
    assert.equal(addressKey("fe80::1%eth0"), addressKey("fe80::2"));
  });

  it("are left as they are where they are none", () => {
    for (const text of ["", "unknown", "1.2.3", "::g", "[::1]", "x".repeat(9_000)])
      assert.deepEqual([canonicalAddress(text), addressKey(text)], [text, text]);
  });
});
