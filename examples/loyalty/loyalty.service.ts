/** Points of customers. */
import { actorHost, type Config, defineService, idempotency, type Money, SoukError, workers } from "souk";
import { loyalty } from "./loyalty.contract.ts";
import { pointsActor } from "./points/points.actor.ts";

export default defineService(loyalty, {
  mixins: [actorHost({ points: pointsActor }), idempotency(), workers()],

  actions: {
    async points({ meta: { user } }) {
      if (!user) throw new SoukError("UNAUTHENTICATED");
      const found = await this.actors.points.read(user.id);
      return { customerId: user.id, points: found?.state.balance ?? 0 };
    },

    async adjust({ params: { customerId, delta, reason }, meta: { user, resourceId: id } }) {
      const change = { delta, reason, by: user?.id ?? null };
      // A try that takes over from one that has died sends the same message again, which the actor knows.
      const { state } = await this.actors.points.apply(
        customerId,
        "points.adjust",
        change,
        id === undefined ? {} : { id },
      );
      return { customerId, points: state.balance };
    },

    async spend({ params: { customerId, paymentId, amount } }) {
      const { state } = await this.actors.points.apply(customerId, "points.spend", { paymentId, amount });
      return known(state.spendings[paymentId]);
    },

    async cancelSpending({ params: { customerId, paymentId } }) {
      const { state } = await this.actors.points.apply(customerId, "points.cancel", { paymentId });
      return known(state.spendings[paymentId]);
    },

    async giveBack({ params: { customerId, ...refund } }) {
      const { state } = await this.actors.points.apply(customerId, "points.give_back", refund);
      return known(state.spendings[refund.paymentId]);
    },

    async spending({ params: { customerId, paymentId } }) {
      const found = await this.actors.points.read(customerId);
      return found?.state.spendings[paymentId] ?? null;
    },
  },

  workers: {
    async reward({ subject: orderId, data: { customerId, total } }, { answer }) {
      const points = pointsFor(this.config, total);
      if (points > 0) await answer("points.earn", customerId, { orderId, points });
    },

    async unreward({ subject: orderId, data: { customerId, amount } }, { answer }) {
      const points = pointsFor(this.config, amount);
      if (points > 0) await answer("points.take_back", customerId, { orderId, points });
    },
  },
});

const pointsFor = (config: Config, { amount }: Money): number =>
  Math.floor(amount / config.LOYALTY_MINOR_UNITS_PER_POINT);

function known<T>(decided: T | undefined): T {
  if (decided === undefined) throw new Error("the actor has decided nothing");
  return decided;
}
