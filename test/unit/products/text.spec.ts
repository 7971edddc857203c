import assert from "node:assert/strict";
import fc from "fast-check";
import { slug as slugSchema } from "../../../broker/contract/schemas.ts";
import { clip, normalizeText, words } from "../../../services/products/text/normalize-text.ts";
import {
  eachToken,
  MAX_TOKEN_LENGTH,
  queryTokens,
  relevance,
  type Searchable,
  searchText,
} from "../../../services/products/text/search-tokens.ts";
import { slugOf, withSuffix } from "../../../services/products/text/slug.ts";

const anyText = fc.string({ unit: "binary", maxLength: 200 });
const product = {
  name: "Crème Brûlée Torch",
  description: "A torch for kitchens.",
  labels: ["Cookware"],
  skus: ["CBT-RED-1"],
};

/** Each token of a product, with its most points. */
function tokensOf(it: Searchable): Map<string, number> {
  const tokens = new Map<string, number>();
  eachToken(searchText(it), (token, points) => tokens.set(token, Math.max(points, tokens.get(token) ?? 0)));
  return tokens;
}

const finds = (query: string, it = product) => queryTokens(query).every((token) => tokensOf(it).has(token));

/** How well a product with that name fits a query. */
function fitOf(name: string, query: string): number {
  const tokens = tokensOf({ name, description: query, labels: [], skus: [] });
  const wanted = queryTokens(query);
  const points = wanted.reduce((sum, it) => sum + (tokens.get(it) ?? 0), 0);
  return relevance(points, wanted.length, words(name).length);
}

describe("folded text", () => {
  it("has no case, accents or ligatures", () => {
    assert.equal(normalizeText("Crème Brûlée"), "creme brulee");
    assert.equal(normalizeText("Straße Øl Łódź İzmir ﬁne"), "strasse ol lodz izmir fine");
  });

  it("stays as it is when it is folded again", () => {
    fc.assert(
      fc.property(anyText, (text) => assert.equal(normalizeText(normalizeText(text)), normalizeText(text))),
    );
  });

  it("is never clipped within a character", () => {
    fc.assert(
      fc.property(anyText, fc.nat(20), (text, max) => {
        const clipped = clip(text.toWellFormed(), max);
        assert.ok(clipped.isWellFormed() && Array.from(clipped).length <= Math.max(max, 0));
      }),
    );
  });
});

describe("slugs", () => {
  it("read like the name", () => {
    assert.equal(slugOf("Crème Brûlée, 2 pcs", "x"), "creme-brulee-2-pcs");
    assert.equal(slugOf("Men's  T-Shirt!", "x"), "mens-t-shirt");
    assert.equal(slugOf("日本", "product"), "product");
  });

  it("fit the contract whatever the name, with and without a suffix", () => {
    fc.assert(
      fc.property(anyText, fc.nat(36 ** 5 - 1), (name, number) => {
        const slug = slugOf(name, "product");
        assert.ok(slugSchema.safeParse(slug).success, slug);
        assert.ok(slugSchema.safeParse(withSuffix(slug, () => number)).success);
      }),
    );
  });
});

describe("search", () => {
  it("finds a product by words of its name, beginnings of them, categories, SKUs and its description", () => {
    for (const query of ["creme", "BRÛL", "torch crème", "cookw", "cbt red", "kitchens"])
      assert.ok(finds(query), query);
    for (const query of ["lamp", "orch", "torch lamp", "kitch"]) assert.ok(!finds(query), query);
  });

  it("finds any product by each word of its name", () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 }), { maxLength: 8 }),
        (parts) => {
          const name = parts.join(" ");
          for (const word of words(name).slice(0, 16)) assert.ok(finds(word, { ...product, name }), word);
        },
      ),
    );
  });

  it("has a bounded number of short tokens, however long the text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 2_000 }), (text) => {
        const tokens = tokensOf({ name: text, description: text, labels: [text, text], skus: [text] });
        assert.ok(tokens.size <= 600, String(tokens.size));
        assert.ok([...tokens.keys()].every((it) => Array.from(it).length <= MAX_TOKEN_LENGTH));
        assert.ok(queryTokens(text).length <= 8);
      }),
    );
  });

  it("ranks whole words before beginnings, and both before what is in the text only", () => {
    const points = ["Lamp", "Lampshade", "Shade for a table"].map((name) => fitOf(name, "lamp"));
    assert.deepEqual(
      points,
      points.toSorted((a, b) => b - a),
    );
    assert.equal(new Set(points).size, 3);
    fc.assert(
      fc.property(anyText, anyText, (name, query) => {
        const score = fitOf(name, query);
        assert.ok(score >= 0 && score <= 99);
      }),
    );
  });
});
