import assert from "node:assert/strict";
import { demoCategories, demoProduct, priceOf } from "../../../scripts/support/catalogue/demo-products.ts";
import { createProgress } from "../../../scripts/support/progress.ts";
import { products } from "../../../services/products/products.contract.ts";

const ids = new Map(demoCategories().map((it) => [it.name, it._id]));
const many = Array.from({ length: 2_000 }, (_, n) => demoProduct(n, "USD", ids));

describe("the demo catalogue", () => {
  it("fits the contract for new products", () => {
    for (const { _id, createdAt: _, variants, ...rest } of many) {
      const input = { ...rest, variants: variants.map(({ onHand: _, ...variant }) => variant) };
      assert.equal(products.actions.create.params.safeParse(input).error, undefined, rest.name);
      assert.match(_id, /^[0-9a-f]{8}-[0-9a-f]{4}-7/);
      assert.ok(variants.length >= 1 && variants.length <= 4);
    }
  });

  it("has ids, slugs and SKUs of their own", () => {
    for (const all of [
      many.map((it) => it._id),
      many.map((it) => it.slug),
      many.flatMap((it) => it.variants.map((v) => v.sku)),
    ])
      assert.equal(new Set(all).size, all.length);
  });

  it("is the same each time, and newer with each number", () => {
    assert.deepEqual(demoProduct(7, "USD", ids), many[7]);
    assert.deepEqual(demoCategories(), demoCategories());
    const order = many.map((it) => it._id);
    assert.deepEqual(order.toSorted(), order);
  });

  it("is a tree of categories, each with products", () => {
    const all = demoCategories();
    for (const { parentId, path, _id } of all) {
      assert.equal(path.at(-1), _id);
      assert.equal(path.at(-2) ?? null, parentId);
    }
    const leaves = all.filter((it) => it.parentId);
    assert.ok(all.length >= 12);
    for (const { _id, name } of leaves)
      assert.ok(
        many.some((it) => it.categoryIds.includes(_id)),
        name,
      );
  });

  it("has prices that end in 9, in the minor units of any currency", () => {
    assert.equal(priceOf(19.6, "USD"), 1_999);
    assert.equal(priceOf(19.6, "JPY"), 1_959);
    assert.equal(priceOf(19.6, "KWD"), 19_990);
  });
});

describe("progress", () => {
  const shown = (isTTY: boolean, times: number[]) => {
    const out: string[] = [];
    let at = 0;
    const progress = createProgress(
      "things",
      { isTTY, write: (text: string | Uint8Array) => out.push(String(text)) > 0 } as NodeJS.WriteStream,
      () => at,
    );
    times.forEach((time, n) => {
      at = time;
      progress.report(n + 1, times.length);
    });
    progress.end();
    return out;
  };

  it("rewrites one line on a terminal", () => {
    const out = shown(true, [10, 20, 30]);
    assert.equal(out.length, 4);
    assert.ok(out.slice(0, 3).every((it) => it.startsWith("\r")));
    assert.equal(out[3], "\n");
  });

  it("writes a line now and then elsewhere, and always the last", () => {
    assert.deepEqual(shown(false, [10, 6_000, 6_001, 6_002]), [
      "things: 2 of 4, about 6 s left\n",
      "things: 4 of 4, 6.0 s\n",
    ]);
  });
});
