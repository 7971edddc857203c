/** Reviews over HTTP, with the products and the orders that they are about. */
import assert from "node:assert/strict";
import { envelope } from "../../../broker/contract/envelope.ts";
import { newId } from "../../../broker/contract/ids.ts";
import { rebuildRatings } from "../../../scripts/support/rebuild-ratings.ts";
import type { ReviewView } from "../../../services/reviews/reviews.schemas.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import {
  type Article,
  deliveryOf,
  firstAdmin,
  type Person,
  paidOrder,
  putOnSale,
  signUp,
} from "../../../souk/testing/people.ts";
import { type Shop, startShop } from "../../../souk/testing/start-shop.ts";

interface Page {
  items: ReviewView[];
  nextCursor: string | null;
  total: number;
  histogram: number[];
}
interface Product {
  rating: { average: number; count: number };
  version: number;
}

describe("reviews", function () {
  this.timeout(30_000);
  let shop: Shop;
  let admin: Person;
  let ann: Person;
  /** Signing up is slow. Each test has a product of its own. */
  let people: Person[];
  let article: Article;

  before(async () => {
    shop = await startShop({ env: { REVIEWS_PER_HOUR: "12" } });
    admin = await firstAdmin(shop.http);
    ann = await signUp(shop.http, "Ann Example");
    people = await Promise.all(["Bo", "Cleo", "Dan", "Eve"].map((name) => signUp(shop.http, name)));
  });
  beforeEach(async () => {
    article = await putOnSale(admin);
  });
  after(() => shop?.stop());

  const person = (n: number): Person => people[n] ?? assert.fail("nobody");
  const write = (person: Person, body: object = { rating: 5, text: "Bright" }, { productId } = article) =>
    person.http.expect<ReviewView>(201, "POST", `/products/${productId}/reviews`, { body });
  const publish = (id: string) =>
    admin.http.expect<ReviewView>(200, "PATCH", `/reviews/${id}`, { body: { status: "published" } });
  const listed = (query = "", { productId } = article) =>
    shop.http.expect<Page>(200, "GET", `/products/${productId}/reviews${query}`);
  const rated = (average: number, count: number) =>
    eventually(`the product has ${average} of ${count}`, async () => {
      const { rating } = await shop.http.expect<Product>(200, "GET", `/products/${article.productId}`);
      assert.deepEqual(rating, { average, count });
      return true;
    });

  it("are seen once staff have published them", async () => {
    const review = await write(ann, { rating: 4, title: " Bright\u202e ", text: "It lights\nmy desk." });
    assert.deepEqual(
      [review.author, review.title, review.text, review.status, review.verified],
      ["Ann E.", "Bright", "It lights\nmy desk.", "pending", false],
    );
    assert.deepEqual((await listed()).items, []);
    await shop.http.expect(404, "GET", `/reviews/${review.id}`);
    assert.deepEqual(
      (await ann.http.expect<Page>(200, "GET", `/products/${article.productId}/reviews?mine=true`)).items,
      [review],
    );
    await publish(review.id);
    await rated(4, 1);
    const { items, total, histogram } = await listed();
    assert.deepEqual([items[0]?.id, total, histogram], [review.id, 1, [0, 0, 0, 1, 0]]);
    assert.equal("customerId" in (items[0] ?? {}), false);
  });

  it("are one per customer and product, however many are sent at once", async () => {
    const bo = person(0);
    const send = () =>
      bo.http.request<{ id: string; reviewId?: string; code?: string }>(
        "POST",
        `/products/${article.productId}/reviews`,
        { body: { rating: 5 } },
      );
    const replies = await Promise.all([send(), send(), send(), send()]);
    const [made, ...others] = replies.toSorted((a, b) => a.status - b.status);
    assert.equal(made?.status, 201);
    for (const it of others)
      assert.deepEqual([it.status, it.body.code, it.body.reviewId], [409, "REVIEW_EXISTS", made?.body.id]);
  });

  it("change the product's rating and its entity tag, not the version that staff edit", async () => {
    const get = (tag = "") =>
      shop.http.request<Product>("GET", `/products/${article.productId}`, {
        headers: { "if-none-match": tag },
      });
    const before_ = await get();
    const tag = before_.headers.get("etag") ?? "";
    const review = await write(person(0), { rating: 3 });
    await publish(review.id);
    await rated(3, 1);
    const now = await get(tag);
    assert.equal(now.status, 200);
    assert.equal(now.body.version, before_.body.version);
    const path = `/products/${article.productId}`;
    await admin.http.expect(200, "PATCH", path, {
      body: { description: "New" },
      headers: { "if-match": tag },
    });
  });

  it("count again after each change, rejection and deletion", async () => {
    const cleo = person(1);
    const dan = person(2);
    const [one, two] = [await write(cleo, { rating: 5 }), await write(dan, { rating: 2 })];
    await Promise.all([publish(one.id), publish(two.id)]);
    await rated(3.5, 2);
    // A change goes back to the moderators.
    await cleo.http.expect(200, "PUT", `/reviews/${one.id}`, { body: { rating: 1 } });
    await rated(2, 1);
    await publish(one.id);
    await rated(1.5, 2);
    const body = { status: "rejected", reason: "Off topic" };
    const rejected = await admin.http.expect<ReviewView>(200, "PATCH", `/reviews/${two.id}`, { body });
    await rated(1, 1);
    assert.equal(rejected.reason, "Off topic");
    await dan.http.expect(200, "GET", `/reviews/${two.id}`);
    await shop.http.expect(404, "GET", `/reviews/${two.id}`);
    await cleo.http.expect(204, "DELETE", `/reviews/${one.id}`);
    await rated(0, 0);
    await cleo.http.expect(404, "GET", `/reviews/${one.id}`);
    // After a deletion the customer may write anew.
    assert.notEqual((await write(cleo)).id, one.id);
  });

  it("are their owners' alone, and take If-Match", async () => {
    const eve = person(3);
    const review = await write(person(0));
    await eve.http.expect(404, "PUT", `/reviews/${review.id}`, { body: { rating: 1 } });
    await eve.http.expect(404, "DELETE", `/reviews/${review.id}`);
    await admin.http.expect(404, "DELETE", `/reviews/${review.id}`);
    const headers = { "if-match": '"7"' };
    const body = { status: "published" };
    await admin.http.expect(412, "PATCH", `/reviews/${review.id}`, { body, headers });
  });

  it("are of products that customers see", async () => {
    const path = `/products/${article.productId}`;
    const review = await write(person(0));
    await publish(review.id);
    await admin.http.expect(200, "PATCH", path, { body: { published: false } });
    await eventually("the draft is gone", () => shop.http.expect(404, "GET", path).then(() => true));
    await shop.http.expect(404, "GET", `${path}/reviews`);
    await shop.http.expect(404, "GET", `/reviews/${review.id}`);
    await ann.http.expect(404, "POST", `${path}/reviews`, { body: { rating: 5 } });
    await admin.http.expect(404, "POST", `${path}/reviews`, { body: { rating: 5 } });
    await ann.http.expect(404, "POST", `/products/${newId()}/reviews`, { body: { rating: 5 } });
  });

  it("are verified by a delivery, before or after they are written", async () => {
    const hal = person(3);
    const early = await write(hal);
    const { id } = await paidOrder(hal, article.sku);
    const delivery = await deliveryOf(hal, id);
    for (const status of ["shipped", "delivered"])
      await eventually(`it is ${status}`, () =>
        admin.http.expect(200, "PATCH", `/deliveries/${delivery.id}`, { body: { status } }),
      );
    const verified = await eventually("it is verified", async () => {
      const now = await hal.http.expect<ReviewView>(200, "GET", `/reviews/${early.id}`);
      return now.verified ? now : undefined;
    });
    assert.equal(verified.version, early.version + 1);
    await hal.http.expect(204, "DELETE", `/reviews/${early.id}`);
    assert.equal((await write(hal)).verified, true);
  });

  it("are listed page by page in three orders, without gaps", async () => {
    const ratings = [3, 5, 1, 5, 3];
    const written = await Promise.all(
      ratings.map((rating, n) => write(n === 4 ? ann : person(n), { rating })),
    );
    for (const it of written) await publish(it.id);
    await rated(3.4, 5);
    const starsOf = async (sort: string): Promise<number[]> => {
      const found: ReviewView[] = [];
      for (let cursor: string | null = ""; cursor !== null; ) {
        const page: Page = await listed(`?sort=${sort}&limit=2${cursor && `&cursor=${cursor}`}`);
        assert.equal(page.total, 5);
        found.push(...page.items);
        cursor = page.nextCursor;
      }
      assert.equal(new Set(found.map((it) => it.id)).size, 5);
      return found.map((it) => it.rating);
    };
    assert.deepEqual(await starsOf("rating"), [5, 5, 3, 3, 1]);
    assert.deepEqual(await starsOf("-rating"), [1, 3, 3, 5, 5]);
    assert.equal((await starsOf("newest")).length, 5);
    const five = await listed("?rating=5");
    assert.deepEqual([five.items.length, five.total], [2, 2]);
  });

  it("can be counted anew, by a command, after a rating was lost", async () => {
    const review = await write(person(0), { rating: 2 });
    await publish(review.id);
    await rated(2, 1);
    const { database } = shop.node.runtime;
    const databases = { reviews: database("reviews"), products: database("products") };
    const products = databases.products.collection<{ _id: string }>("products");
    const lost = { average: 5, count: 9, revision: 90 };
    await products.updateOne({ _id: article.productId }, { $set: { rating: lost } });
    assert.equal((await rebuildRatings(databases)).changed, 1);
    assert.equal((await rebuildRatings(databases)).changed, 0);
    await publish((await write(person(1), { rating: 4 })).id);
    await rated(3, 2);
  });

  it("lose their author when the account is erased, and stay", async () => {
    const review = await write(person(2), { rating: 3 });
    await publish(review.id);
    const { id: userId } = person(2);
    const { bus } = shop.node.runtime;
    await bus.publish(envelope("user.erased", userId, { userId }, { source: "/test", at: Date.now() }));
    await eventually("the name is gone", async () => (await listed()).items[0]?.author === null);
    assert.deepEqual((await listed()).items[0]?.text, review.text);
    await rated(3, 1);
  });

  it("are bounded per customer and hour", async () => {
    const ida = await signUp(shop.http, "Ida");
    const review = await write(ida);
    for (let n = 0; n < 11; n++)
      await ida.http.expect(200, "PUT", `/reviews/${review.id}`, { body: { rating: (n % 2) + 1 } });
    const { status, headers } = await ida.http.request("PUT", `/reviews/${review.id}`, {
      body: { rating: 5 },
    });
    assert.equal(status, 429);
    assert.ok(Number(headers.get("retry-after")) > 0);
  });
});
