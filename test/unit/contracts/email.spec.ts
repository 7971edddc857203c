/** E-mail addresses of any script. The ids in titles are those of public reports. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { email } from "../../../broker/contract/schemas.ts";
import { canonicalEmail, emailKey } from "../../../broker/contract/values/email.ts";
import { ATTACK_STRINGS } from "../../support/attack-strings.ts";

const SAME: readonly (readonly string[])[] = [
  ["info@übung.de", "info@xn--bung-zra.de", "INFO@ÜBUNG.DE", "info@u\u0308bung.de", " info@übung.de "],
  ["dörte@sörensen.example", "Do\u0308rte@xn--srensen-90a.example", "DÖRTE@SÖRENSEN.EXAMPLE"],
  ["用户@例子.广告", "用户@xn--fsqu00a.xn--4rr70v"],
  ["чебурашка@ящик.рф", "ЧЕБУРАШКА@ЯЩИК.РФ"],
  ["अजय@डाटा.भारत"],
  ["δοκιμή@παράδειγμα.ελ", "ΔΟΚΙΜΉ@ΠΑΡΆΔΕΙΓΜΑ.ΕΛ"],
  ["مثال@موقع.مصر"],
  ["ann@example.com", "Ann@Example.COM", "ann@ｅxample.com"],
  ["o'hara+shop@mail.example.co.uk"],
  ["a@faß.de", "a@xn--fa-hia.de"],
  ["user@shop.test"],
];

describe("An e-mail address", () => {
  for (const same of SAME)
    it(`user-idn-domain: ${same[0]} is one address, however it is written`, () => {
      const keys = same.map((it) => emailKey(email.parse(it)));
      assert.equal(new Set(keys).size, 1, String(keys));
      assert.match(String(keys[0]), /@[a-z0-9.-]+$/);
    });

  it("later-idn-shown: is kept as it was typed", () => {
    assert.equal(email.parse(" Info@Übung.de "), "Info@Übung.de");
    assert.equal(email.parse("info@u\u0308bung.de"), "info@übung.de", "composed");
  });

  it("of different people is never the same", () => {
    const keys = SAME.map(([it = ""]) => canonicalEmail(it));
    assert.equal(new Set(keys).size, SAME.length);
  });

  for (const wrong of [
    "",
    "a",
    "@x.de",
    "a@",
    "a@b",
    "a@localhost",
    "a@127.0.0.1",
    "a@127.1",
    "a@0x7f.1",
    "a@[::1]",
    "a@exa%6dple.com",
    "a@example..com",
    "a@example.com.",
    "a@-x.de",
    "a@x_y.de",
    ".a@x.de",
    "a.@x.de",
    "a..b@x.de",
    "a b@x.de",
    '"a b"@x.de',
    "a@b@x.de",
    "a%b@x.de",
    "a!b@x.de",
    "a\r\nBcc: b@x.de",
    "Ann <a@x.de>",
    "a\u200bb@x.de",
    "a\u0000@x.de",
    `${"a".repeat(65)}@x.de`,
    `${"ü".repeat(33)}@x.de`,
    `a@${"b".repeat(64)}.de`,
    `a@${"b.".repeat(130)}de`,
  ])
    it(`is refused: ${JSON.stringify(wrong).slice(0, 40)}`, () => {
      const { error } = email.safeParse(wrong);
      assert.ok(error?.issues.every((it) => it.path.length === 0));
      assert.equal(canonicalEmail(wrong), undefined);
    });

  it("is refused where its letters look like those of another one", () => {
    for (const it of [
      "раypal@example.com",
      "a@раypal.com",
      "ａnn@example.com",
      "ﬁx@example.com",
      "αnn@example.com",
    ])
      assert.equal(canonicalEmail(it), undefined, it);
    for (const it of ["東京tower@例え.jp", "анна.smith@example.com"]) assert.ok(canonicalEmail(it), it);
  });

  it("is canonical once and for all", () => {
    const part = fc.string({ unit: fc.constantFrom(..."aZ0.-_+ßİΣςéÜя日\u0301\u200d"), maxLength: 8 });
    fc.assert(
      fc.property(part, part, (local, domain) => {
        const once = canonicalEmail(`${local}@${domain}.de`);
        if (once !== undefined) assert.equal(canonicalEmail(once), once);
      }),
      { numRuns: 2_000 },
    );
  });

  it("is refused, or is what was sent, whatever attackers send", () => {
    for (const [what, it] of Object.entries(ATTACK_STRINGS))
      for (const text of [it, `${it}@example.com`, `ann@${it}.com`, `ann@example.${it}`]) {
        const { data } = email.safeParse(text);
        if (data === undefined) continue;
        assert.doesNotMatch(data, /[\s<>"'$\\/:;,()[\]\p{C}]/u, what);
        assert.match(emailKey(data), /@[a-z0-9.-]+$/, what);
      }
  });
});
