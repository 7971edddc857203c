/** The payment provider `credit`: pays with points. The points are taken, and the payment is told, by the actor. */
import {
  defineProvider,
  ProviderRefused,
  type ProviderStatus,
  type StatusReport,
  WebhookRejected,
  z,
} from "souk";
import type { Spending } from "../loyalty.contract.ts";
import { refOf } from "../points/points.actor.ts";

const STATUS: Record<Spending["status"], ProviderStatus> = {
  spent: "captured",
  refused: "failed",
  cancelled: "cancelled",
};

export const credit = defineProvider({
  name: "credit",
  variables: z.object({
    CREDIT: z.enum(["on", "off"]).default("on").describe("Whether customers may pay with points"),
  }),
  secrets: [],
  create({ config: { CURRENCY: currency }, call }, { CREDIT }) {
    if (CREDIT === "off") return null;

    const statusOf = async (providerRef: string): Promise<StatusReport> =>
      report(await call("loyalty.spending", namesIn(providerRef)), namesIn(providerRef).paymentId, currency);

    return {
      name: "credit",
      webhooksProve: true,

      async createPayment({ customerId, paymentId, amount, expiresAt }) {
        if (amount.currency !== currency) throw new ProviderRefused(`points are worth ${currency} only`);
        const { status } = await call("loyalty.spend", { customerId, paymentId, amount });
        if (status !== "spent") throw new ProviderRefused("there are not enough points");
        return { providerRef: refOf(customerId, paymentId), nextAction: null, expiresAt };
      },

      // Points are taken at once: there is nothing to capture later.
      capture: ({ providerRef }) => statusOf(providerRef),

      async cancel(providerRef) {
        const { status } = await call("loyalty.cancelSpending", namesIn(providerRef));
        if (status === "spent") throw new ProviderRefused("it is paid");
      },

      async refund({ providerRef, amount, idempotencyKey: refundId }) {
        await call("loyalty.giveBack", { ...namesIn(providerRef), refundId, points: amount.amount });
        return { refundId, refundRef: refundId, amount, status: "succeeded", reason: null };
      },

      fetchStatus: statusOf,

      async verifyWebhook() {
        throw new WebhookRejected("points have no webhooks");
      },
    };
  },
});

function namesIn(providerRef: string): { customerId: string; paymentId: string } {
  const [customerId = "", paymentId = ""] = providerRef.split(".");
  return { customerId, paymentId };
}

function report(found: Spending | null, paymentId: string, currency: string): StatusReport {
  const money = (amount: number) => ({ amount, currency });
  const refunds = Object.entries(found?.refunds ?? {});
  const back = refunds.reduce((sum, [, points]) => sum + points, 0);
  const isSpent = found?.status === "spent";
  return {
    status: !found
      ? "pending"
      : back === 0
        ? STATUS[found.status]
        : back < found.points
          ? "partially_refunded"
          : "refunded",
    amount: isSpent ? money(found.points) : null,
    receipt: isSpent ? paymentId : null,
    reason: null,
    refunds: refunds.map(([id, points]) => ({
      refundId: id,
      refundRef: id,
      amount: money(points),
      status: "succeeded",
      reason: null,
    })),
  };
}
