/** Who may call which route of the service; run by test/e2e/access-matrix.spec.ts. */
import assert from "node:assert/strict";
import { newId } from "../../../broker/contract/ids.ts";
import { putOnSale } from "../../../souk/testing/people.ts";
import {
  everyone,
  ownerAlone,
  type Rows,
  signedIn,
  staffOnly,
  type World,
} from "../../../test/e2e/support/access.ts";

const content = { rating: 4, title: "Bright", text: "It lights my desk.", author: "Owen E." };

/** Each of its owner's reviews needs a product of its own. */
const reviewed = async ({ admin, owner }: World) => {
  const { productId } = await putOnSale(admin);
  const { id } = await owner.http.expect<{ id: string }>(201, "POST", `/products/${productId}/reviews`, {
    body: content,
  });
  return { id, productId };
};
const published = async (world: World) => {
  const review = await reviewed(world);
  await world.admin.http.expect(200, "PATCH", `/reviews/${review.id}`, { body: { status: "published" } });
  return review;
};

export const rows: Rows = {
  "reviews.listOfProduct": {
    expect: everyone(200),
    ask: async (world) => ({
      path: `/products/${(await published(world)).productId}/reviews`,
      query: { rating: "4", mine: "false", sort: "rating", limit: "5" },
    }),
    check: (body: { items: unknown[] }) => assert.equal(body.items.length, 1),
  },
  "reviews.create": {
    expect: signedIn(201),
    ask: async ({ admin }) => ({
      path: `/products/${(await putOnSale(admin)).productId}/reviews`,
      body: { ...content, text: `${content.text} ${newId()}` },
    }),
  },
  "reviews.get": {
    // One that waits for staff is its owner's and theirs.
    expect: { guest: 404, other: 404, owner: 200, staff: 200, admin: 200 },
    ask: async (world) => ({ path: `/reviews/${(await reviewed(world)).id}` }),
  },
  "reviews.replace": {
    expect: ownerAlone(200),
    ask: async (world) => ({
      path: `/reviews/${(await reviewed(world)).id}`,
      body: { ...content, rating: 2 },
    }),
  },
  "reviews.remove": {
    expect: ownerAlone(204),
    ask: async (world) => ({ path: `/reviews/${(await reviewed(world)).id}` }),
  },
  "reviews.list": {
    expect: staffOnly(200),
    ask: async (world) => {
      await reviewed(world);
      return { path: "/reviews", query: { status: "pending", limit: "1" } };
    },
    check: (body: { items: unknown[] }) => assert.equal(body.items.length, 1),
  },
  "reviews.moderate": {
    expect: staffOnly(200),
    ask: async (world) => ({
      path: `/reviews/${(await reviewed(world)).id}`,
      body: { status: "rejected", reason: "It is about another product" },
    }),
  },
};
