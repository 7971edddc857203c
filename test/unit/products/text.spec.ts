import assert from "node:assert/strict";
import fc from "fast-check";
import { slug as slugSchema } from "../../../broker/contract/schemas.ts";
import { skuHash } from "../../../services/products/search/variant-table.ts";
import { clip, normalizeText, words } from "../../../services/products/text/normalize-text.ts";
import {
  eachTerm,
  MAX_WORD_LENGTH,
  queryTerms,
  relevance,
  type Searchable,
  searchText,
} from "../../../services/products/text/search-tokens.ts";
import { slugOf, withSuffix } from "../../../services/products/text/slug.ts";
import { loadAnalyzer, SEARCH_LANGUAGES } from "../../../services/products/text/stemmer.ts";
import { tokensIn } from "../../../services/products/text/tokens.ts";

const anyText = fc.string({ unit: "binary", maxLength: 200 });
const english = await loadAnalyzer("en");
const product = {
  name: "Crème Brûlée Torch",
  description: "A torch for kitchens.",
  labels: ["Cookware"],
  skus: ["CBT-RED-1"],
};
type Sold = Searchable & { skus: readonly string[] };

/** Each term of a product, with its most points. */
function termsOf(it: Sold): Map<string, number> {
  const terms = new Map<string, number>();
  eachTerm(searchText(it), it.skus, english, (_, term, points) =>
    terms.set(term, Math.max(points, terms.get(term) ?? 0)),
  );
  return terms;
}

const finds = (query: string, it: Sold = product) => {
  const terms = termsOf(it);
  return queryTerms(query, english).every(({ text }) => terms.has(text) || terms.has(english.stem(text)));
};

/** How well a product with that name fits a query. */
function fitOf(name: string, query: string): number {
  const terms = termsOf({ name, description: query, labels: [], skus: [] });
  const wanted = queryTerms(query, english);
  const points = wanted.reduce((sum, { text }) => sum + (terms.get(text) ?? 0), 0);
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

  it("finds any product by each word of its name, description, labels and SKUs", () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 }), { maxLength: 8 }),
        (parts) => {
          const text = parts.join(" ");
          for (const field of [{ name: text }, { description: text }, { labels: parts }, { skus: parts }])
            for (const word of words(text).filter((it) => !english.isStopWord(it)))
              assert.ok(finds(word, { ...product, ...field }), word);
        },
      ),
    );
  });

  it("has a number of short terms that grows with the text, not faster", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 2_000 }), (text) => {
        const terms = termsOf({ name: text, description: text, labels: [text], skus: [text] });
        assert.ok(terms.size <= 12 * normalizeText(text).length + 1, String(terms.size));
        assert.ok([...terms.keys()].every((it) => Array.from(it).length <= MAX_WORD_LENGTH));
      }),
    );
  });

  it("splits scripts without blanks into runs, and nothing else", () => {
    const split = (text: string) =>
      tokensIn(normalizeText(text)).map((it) => (it.isRun ? `[${it.text}]` : it.text));
    assert.deepEqual(split("USB充電器 20W"), ["usb", "[充電器]", "20w"]);
    assert.deepEqual(split("東京タワー-2号"), ["[東京タワー]", "2", "[号]"]);
    assert.deepEqual(split("Größe XL сапоги"), ["grosse", "xl", "сапоги"]);
    fc.assert(
      fc.property(anyText, (text) => {
        const normalized = normalizeText(text);
        assert.equal(
          tokensIn(normalized)
            .map((it) => it.text)
            .join(""),
          words(text).join(""),
        );
      }),
    );
  });

  it("hashes a SKU by its words, whatever is between them", () => {
    for (const [one, other] of [
      ["AB-12", "ab 12"],
      ["-AB__12.", "ab/12"],
      ["ÉTE-1", "ete 1"],
      ["MJ.700", "mj 700"],
    ] as const)
      assert.equal(skuHash(one), skuHash(other), one);
    const plain = fc.string({ unit: fc.constantFrom(..."aB1-_."), maxLength: 20 });
    fc.assert(
      fc.property(plain, (it) => assert.equal(skuHash(it), skuHash(`${it} é`.slice(0, -2).concat(" ")))),
    );
    assert.notEqual(skuHash("AB-12"), skuHash("AB12"));
  });

  it("stems other forms of English words alike, and the same word always alike", () => {
    const pairs =
      "phones phone, boxes box, knives knife, shelves shelf, children child, batteries battery, ".concat(
        "buses bus, lenses lens, mice mouse, dresses dress, running run, loaves loaf, canvases canvas, vases vase",
      );
    for (const pair of pairs.split(", ")) {
      const [one = "", other = ""] = pair.split(" ");
      assert.equal(english.stem(one), english.stem(other), pair);
    }
    fc.assert(fc.property(anyText, (it) => assert.equal(english.stem(it), english.stem(it))));
  });

  it("has a stemmer for each language that can be set, which takes any word", async () => {
    for (const language of SEARCH_LANGUAGES) {
      const { stem } = await loadAnalyzer(language);
      fc.assert(
        fc.property(fc.string({ unit: "binary", maxLength: 80 }), (text) => {
          for (const { text: word } of tokensIn(normalizeText(text))) assert.ok(stem(word).length > 0);
        }),
        { numRuns: 30 },
      );
    }
    const german = await loadAnalyzer("de");
    assert.equal(german.stem("stuhle"), german.stem("stuhl"));
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
