/** SKUs and options as shops have them. The ids in titles are those of public reports. */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { z } from "zod";
import { sku } from "../../../broker/contract/schemas.ts";
import { fieldName, nameBehind } from "../../../broker/mongo/field-name.ts";
import { changed, linesOf, newCart } from "../../../services/cart/cart-document.ts";
import { options } from "../../../services/products/options.ts";
import { ATTACK_STRINGS } from "../../support/attack-strings.ts";

const problemsOf = (schema: z.ZodType, value: unknown): string[] =>
  schema.safeParse(value).error?.issues.map((it) => it.message) ?? [];

describe("A SKU", () => {
  for (const sample of [
    "MJ.700",
    "NOR.0707-60",
    "317-01-549-10/12",
    "AB 12",
    "C+D",
    "ÉTE-1",
    "Артикул №5",
    "商品-001",
    "كود ١٢",
    "#5 (red) 100%",
    "a:b|c",
    "_x",
    "$50",
    "__proto__",
    "constructor",
    "é".repeat(64),
  ])
    it(`import-sku-characters: may be ${sample}`, () => assert.equal(sku.parse(sample), sample));

  it("is compared as it is composed", () => {
    assert.equal(sku.parse("E\u0301TE-1"), "ÉTE-1");
    assert.equal(sku.parse("e\u0301".repeat(64)), "é".repeat(64));
    assert.equal(sku.parse("ㄱㅏ".normalize("NFD")), "ㄱㅏ".normalize("NFC"));
  });

  it("is refused, with a sentence, where people could not tell it from another", () => {
    for (const [it, problem] of [
      [" AB", /blanks at its ends/],
      ["AB\u00a0", /blanks at its ends/],
      ["A\u0000B", /control characters/],
      ["A\u202eB", /turn text around/],
      ["A\u200bB", /invisible/],
      ["A\u00a0B", /invisible/],
      ["A\ud800", /invisible/],
      [".", /not be \./],
      ["..", /not be \./],
    ] as const)
      assert.match(problemsOf(sku, it).join(), problem, JSON.stringify(it));
    assert.deepEqual(problemsOf(sku, ""), ["must not be empty"]);
    assert.equal(problemsOf(sku, "a".repeat(65)).length, 1);
    assert.equal(problemsOf(sku, "a".repeat(100_000)).length, 1);
  });

  it("is refused, or is what was sent in composed form, whatever attackers send", () => {
    for (const [what, it] of Object.entries(ATTACK_STRINGS)) {
      const { data } = sku.safeParse(it);
      if (data !== undefined) assert.equal(data, it.normalize("NFC"), what);
    }
  });
});

describe("The name of a field in MongoDB", () => {
  it("is another one for each name, has no meaning of its own, and leads back to the name", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.constantFrom("_bsontype", "__proto__", "%2E", "%252E")), (it) => {
        const field = fieldName(it);
        assert.equal(nameBehind(field), it);
        assert.doesNotMatch(field, /^_|[.$\0]/);
      }),
    );
    for (const it of ["LAMP-BRASS-1", "AB 12", "C+D", "10/12", "ÉTE"]) assert.equal(fieldName(it), it);
  });

  it("is what a cart has its lines by", () => {
    const skus = ["MJ.700", "$50", "__proto__", "_bsontype", "AB 12", "100%", "%25"];
    const lines = skus.map((it, i) => ({
      sku: it,
      quantity: 1,
      seen: { amount: 1, currency: "USD" },
      addedAt: i,
    }));
    const cart = changed(newCart("c"), { lines });
    assert.deepEqual(linesOf(cart), lines);
    assert.deepEqual(linesOf(changed(cart, { lines: lines.slice(1) })), lines.slice(1));
  });
});

describe("An option", () => {
  for (const sample of [
    "Размер",
    "Größe",
    "サイズ",
    "Couleur/Taille",
    "المقاس",
    "Size (EU)",
    "Nr.",
    "Preis in $",
    "2. Farbe",
  ])
    it(`import-option-names: may be called ${sample}`, () =>
      assert.deepEqual(options.parse({ [sample]: "M" }), { [sample]: "M" }));

  it("is kept composed, and by a name of its own", () => {
    assert.deepEqual(options.parse({ "Gro\u0308\u00dfe ": "gru\u0308n" }), { Größe: "grün" });
    assert.match(problemsOf(options, { "Gro\u0308\u00dfe": "1", Größe: "2" }).join(), /another option/);
  });

  it("is refused where a database or JavaScript would take its name for something else", () => {
    for (const it of [
      "$where",
      "\u202e$where",
      " $where",
      "_bsontype",
      "\u200f_bsontype",
      "a\u0000",
      " ",
      "",
    ])
      assert.ok(problemsOf(options, { [it]: "1" }).length > 0, JSON.stringify(it));
  });

  it("is refused, or is what was sent once it is cleaned, whatever attackers send", () => {
    for (const [what, it] of Object.entries(ATTACK_STRINGS)) {
      const { data } = options.safeParse({ [it]: "M" });
      if (data) assert.deepEqual(Object.values(data), it === "__proto__" ? [] : ["M"], what);
    }
  });
});
