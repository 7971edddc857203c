/** What customers think of products. */
import type { CallMeta } from "../../broker/contract/call-meta.ts";
import { SoukError } from "../../broker/contract/errors.ts";
import { defineService } from "../../broker/moleculer/define-service.ts";
import { mongo } from "../../mixins/mongo.ts";
import { outbox } from "../../mixins/outbox.ts";
import { workers } from "../../mixins/workers.ts";
import { countRatings } from "./count-ratings.ts";
import { purchaseModel } from "./purchase.model.ts";
import { createPurchases } from "./purchases.ts";
import { ratingModel } from "./rating.model.ts";
import { listOfProduct, listReviews, ownOfProduct } from "./reading/list-reviews.ts";
import { seesAll, viewOf, writtenView } from "./reading/review-view.ts";
import { isLive, reviewModel } from "./review.model.ts";
import { reviews } from "./reviews.contract.ts";
import { eraseAuthor } from "./writing/erase-author.ts";
import { countWrite } from "./writing/hourly-limit.ts";
import { moderateReview } from "./writing/moderate-review.ts";
import { shownName } from "./writing/shown-name.ts";
import { checkIsFirst, deleteReview, rewriteReview, submitReview } from "./writing/write-review.ts";

/** The gateway has checked the token, but a local call may have none. */
function callerOf({ user }: CallMeta): string {
  if (!user) throw new SoukError("UNAUTHENTICATED");
  return user.id;
}

export default defineService(reviews, {
  mixins: [
    mongo({ reviews: reviewModel, ratings: ratingModel, purchases: purchaseModel }),
    outbox(reviewModel),
    workers(),
  ],

  setup: ({ models, outbox, clock, config, database, call }) => ({
    tools: {
      ...models,
      outbox,
      clock,
      moderation: config.REVIEWS_MODERATION,
      purchases: createPurchases(models),
    },
    countWriteOf: (customerId: string) => countWrite(database, clock, customerId, config.REVIEWS_PER_HOUR),
    /** The name to show for a customer. */
    async nameOf(customerId: string): Promise<string | null> {
      const [contact] = await call("users.contacts", { ids: [customerId] });
      return contact ? shownName(contact.name) : null;
    },
  }),

  actions: {
    async listOfProduct(ctx) {
      const { id, mine, ...params } = ctx.params;
      const { user } = ctx.meta;
      const product = await ctx.call("products.get", { id });
      const { shown, ...page } = mine
        ? await ownOfProduct(this.models, product.id, user?.id)
        : await listOfProduct(this.models, product.id, params);
      return { items: shown.map((it) => viewOf(it, user)), ...page };
    },

    async create(ctx) {
      const { id, author, title = null, ...content } = ctx.params;
      const customerId = callerOf(ctx.meta);
      const product = await ctx.call("products.get", { id });
      // Staff find drafts too, and there is nothing to say of one yet.
      if (!product.published) throw new SoukError("NOT_FOUND");
      const by = { customerId, productId: product.id };
      await checkIsFirst(this.tools, by);
      await this.countWriteOf(customerId);
      const name = author ?? (await this.nameOf(customerId));
      return writtenView(
        await submitReview(this.tools, by, { ...content, title, author: name }),
        ctx.meta.user,
      );
    },

    async get(ctx) {
      const { user } = ctx.meta;
      const review = await this.models.reviews.findById(ctx.params.id).lean();
      if (!review || !isLive(review)) throw new SoukError("NOT_FOUND");
      if (!seesAll(review, user)) {
        if (review.status !== "published") throw new SoukError("NOT_FOUND");
        // Not of a product that nobody sees any more.
        await ctx.call("products.get", { id: review.productId });
      }
      return viewOf(review, user);
    },

    async replace({ params: { id, author, title = null, ...content }, meta }) {
      const customerId = callerOf(meta);
      await this.countWriteOf(customerId);
      const name = author ?? (await this.nameOf(customerId));
      const written = { ...content, title, author: name };
      return writtenView(await rewriteReview(this.tools, id, meta.ifMatch, customerId, written), meta.user);
    },

    async remove({ params, meta }) {
      await deleteReview(this.tools, params.id, meta.ifMatch, callerOf(meta));
    },

    async list({ params, meta }) {
      const { shown, nextCursor } = await listReviews(this.models.reviews, params);
      return { items: shown.map((it) => viewOf(it, meta.user)), nextCursor };
    },

    async moderate({ params: { id, status, reason = null }, meta }) {
      return writtenView(await moderateReview(this.tools, id, meta.ifMatch, { status, reason }), meta.user);
    },
  },

  workers: {
    async countRatings({ data: { productId } }, { answer }) {
      const { histogram, revision } = await countRatings(this.models, productId);
      // Also where nothing changed: an earlier run may have died before it told.
      await answer("rating.changed", productId, { histogram, revision }, String(revision));
    },

    eraseAuthor({ data: { userId } }) {
      return eraseAuthor(this.models, userId);
    },

    recordPurchase(message) {
      return this.tools.purchases.record(message);
    },
  },
});
