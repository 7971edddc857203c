import assert from "node:assert/strict";
import { errorCode } from "../../../broker/contract/errors.ts";
import { newId } from "../../../broker/contract/ids.ts";
import { CLAIM_MS } from "../../../services/products/catalogue/category-references.ts";
import { categoryModel } from "../../../services/products/models/category.model.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import { aProduct, type Catalogue, failure, startCatalogue } from "./support.ts";

describe("categories", () => {
  let shop: Catalogue;
  let made = 0;
  before(async () => {
    shop = await startCatalogue();
  });
  after(() => shop.close());

  const create = (parentId: string | null = null, name = `Category ${++made}`) =>
    shop.call("products.createCategory", { name, parentId });
  const remove = (id: string, ifMatch?: number) =>
    shop.call("products.removeCategory", { id }, ifMatch === undefined ? {} : { ifMatch });
  const move = (id: string, name: string, parentId: string | null) =>
    shop.call("products.replaceCategory", { id, name, parentId });
  const documents = () => categoryModel.bind(shop.runtime.database("products"));
  const shownIn = async (category: string) =>
    (await shop.call("products.list", { category, limit: 100 })).items.map((it) => it.id);

  it("are read by id and by slug", async () => {
    const category = await create(null, "Köche & Öfen");
    assert.deepEqual(category, {
      id: category.id,
      name: "Köche & Öfen",
      slug: "koche-ofen",
      parentId: null,
      version: 1,
    });
    const read = { ...category, count: 0, children: [] };
    assert.deepEqual(await shop.call("products.getCategory", { id: category.id }), read);
    assert.deepEqual(await shop.call("products.getCategory", { id: "koche-ofen" }), read);
    assert.equal(await failure(shop.call("products.getCategory", { id: newId() })), "NOT_FOUND");
  });

  it("are listed by name, page by page", async () => {
    for (const name of ["zebra", "Ábaco", "mast"]) await create(null, name);
    const found: string[] = [];
    for (let cursor: string | undefined; ; ) {
      const page = await shop.call("products.listCategories", { limit: 2, ...(cursor ? { cursor } : {}) });
      found.push(...page.items.map((it) => it.name));
      if (!page.nextCursor) break;
      cursor = page.nextCursor;
    }
    assert.deepEqual(
      found.filter((it) => ["zebra", "Ábaco", "mast"].includes(it)),
      ["Ábaco", "mast", "zebra"],
    );
    assert.equal(
      await failure(shop.call("products.listCategories", { cursor: "AAAA" })),
      "VALIDATION_FAILED",
    );
  });

  it("are a tree, with counts of the products that customers see, each once", async () => {
    const root = await create(null, "Tree");
    const [oak, elm] = [await create(root.id, "Oak"), await create(root.id, "Elm")];
    const acorn = await create(oak.id, "Acorn");
    const add = (categoryIds: string[], published = true) =>
      shop.call("products.create", aProduct({ categoryIds, published }));
    await add([acorn.id, elm.id]);
    const { id: sold } = await add([oak.id]);
    await add([oak.id], false);
    await shop.call("products.remove", { id: (await add([elm.id])).id });
    const { items } = await shop.call("products.listCategories", { limit: 100 });
    for (const [{ id }, count, children] of [
      [root, 2, [elm.id, oak.id]],
      [oak, 2, [acorn.id]],
      [elm, 1, []],
      [acorn, 1, []],
    ] as const) {
      const listed = items.find((it) => it.id === id);
      assert.deepEqual([listed?.count, listed?.children], [count, children]);
      assert.deepEqual(await shop.call("products.getCategory", { id }), listed);
    }
    await shop.call("products.update", { id: sold, published: false });
    assert.equal((await shop.call("products.getCategory", { id: root.id })).count, 1);
  });

  it("need a parent that exists, a slug of their own and no more than eight levels", async () => {
    assert.equal(await failure(create(newId())), "NOT_FOUND");
    const taken = { name: "Slugged", slug: "slugged" };
    await shop.call("products.createCategory", taken);
    assert.equal(await failure(shop.call("products.createCategory", taken)), "SLUG_TAKEN");
    let parent: string | null = null;
    for (let level = 0; level < 8; level++) parent = (await create(parent)).id;
    assert.equal(await failure(create(parent)), "CONFLICT");
  });

  it("never make a circle, also when two are moved below each other at once", async () => {
    const a = await create();
    const b = await create(a.id);
    assert.equal(await failure(move(a.id, a.name, a.id)), "CONFLICT");
    assert.equal(await failure(move(a.id, a.name, b.id)), "CONFLICT");
    for (let round = 0; round < 5; round++) {
      const x = await create();
      const y = await create();
      const results = await Promise.allSettled([move(x.id, x.name, y.id), move(y.id, y.name, x.id)]);
      const codes = results.map((it) => (it.status === "fulfilled" ? "ok" : errorCode(it.reason)));
      assert.deepEqual(codes.sort(), ["CONFLICT", "ok"]);
    }
  });

  it("take their products with them when they are moved or renamed", async () => {
    const [old, next] = [await create(), await create()];
    const child = await create(old.id, "Hammocks");
    const below = await create(child.id);
    const product = await shop.call("products.create", aProduct({ categoryIds: [below.id] }));
    assert.deepEqual(await shownIn(old.id), [product.id]);
    await move(child.id, "Swings", next.id);
    await eventually("the product in its new place", async () =>
      (await shownIn(next.id)).includes(product.id),
    );
    await eventually("the product gone from the old", async () => (await shownIn(old.id)).length === 0);
    assert.deepEqual((await documents().findById(below.id).lean())?.path, [next.id, child.id, below.id]);
    await move(below.id, "Garden Chairs", child.id);
    await eventually("the product under the new name", async () => {
      const { items } = await shop.call("products.list", { q: "garden chairs" });
      return items.some((it) => it.id === product.id);
    });
    await eventually(
      "no category left to list anew",
      async () => !(await documents().exists({ relist: true })),
    );
  });

  it("are not lost in a move that happens while products are added", async () => {
    const [old, next] = [await create(), await create()];
    const child = await create(old.id);
    const adding = Array.from({ length: 20 }, () =>
      shop.call("products.create", aProduct({ categoryIds: [child.id] })),
    );
    const [, ...products] = await Promise.all([move(child.id, child.name, next.id), ...adding]);
    const ids = products.map((it) => it.id).sort();
    await eventually("all of them in the new place", async () => {
      return (await shownIn(next.id)).sort().join() === ids.join();
    });
    await eventually("none in the old", async () => (await shownIn(old.id)).length === 0);
  });

  it("are removed only when nothing is in them", async () => {
    const parent = await create();
    const child = await create(parent.id);
    const { id } = await shop.call("products.create", aProduct({ categoryIds: [child.id] }));
    assert.equal(await failure(remove(parent.id)), "CATEGORY_IN_USE");
    assert.equal(await failure(remove(child.id)), "CATEGORY_IN_USE");
    await shop.call("products.remove", { id });
    assert.equal(await failure(remove(child.id, 7)), "VERSION_MISMATCH");
    await remove(child.id, 1);
    await remove(parent.id);
    assert.equal(await failure(remove(parent.id)), "NOT_FOUND");
  });

  it("never vanish under a product or a child that is added at the same time", async () => {
    for (let round = 0; round < 15; round++) {
      const category = await create();
      const [product, child, removed] = await Promise.allSettled([
        shop.call("products.create", aProduct({ categoryIds: [category.id] })),
        create(category.id),
        remove(category.id),
      ]);
      const there = await documents().exists({ _id: category.id });
      assert.equal(there === null, removed.status === "fulfilled");
      if (removed.status === "fulfilled") {
        assert.equal(await shop.documents().exists({ categoryIds: category.id }), null);
        assert.equal(await documents().exists({ parentId: category.id }), null);
        assert.deepEqual([product.status, child.status], ["rejected", "rejected"]);
      } else assert.equal(errorCode(removed.reason), "CATEGORY_IN_USE");
    }
  });

  it("are held back for a while by a writer that died, and no longer", async () => {
    const { id } = await create();
    await documents().updateOne({ _id: id }, { $set: { "claims.dead": new Date(Date.now() + CLAIM_MS) } });
    assert.equal(await failure(remove(id)), "CATEGORY_IN_USE");
    await documents().updateOne({ _id: id }, { $set: { "claims.dead": new Date(Date.now() - 1) } });
    await remove(id);
  });
});
