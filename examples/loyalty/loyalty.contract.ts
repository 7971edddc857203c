/** Points: earned by paid orders, spent as the payment provider `credit`. One point pays one minor unit, e.g. a cent. */
import {
  type ActionsOf,
  action,
  command,
  defineContract,
  event,
  id,
  line,
  type MessagesOf,
  money,
  z,
} from "souk";
import { loyaltyConfig } from "./loyalty.config.ts";
import { loyaltyErrors } from "./loyalty.errors.ts";

const points = z.int().min(1).max(1_000_000_000);

const balanceView = z
  .strictObject({ customerId: id, points: z.int().meta({ description: "May be below 0 after refunds" }) })
  .meta({
    id: "PointsBalance",
    description: "The points of a customer",
    examples: [{ customerId: "0199c3a7-5b1e-7c42-9d8a-3f6e2b1c4d5e", points: 120 }],
  });

/** What has become of paying one payment with points. */
export const spending = z
  .strictObject({
    status: z.enum(["spent", "refused", "cancelled"]),
    points: z.int(),
    /** By refund. */
    refunds: z.record(z.string(), points),
  })
  .meta({ id: "PointsSpending", description: "A payment with points" });
export type Spending = z.output<typeof spending>;

const ofPayment = { customerId: id, paymentId: id };

const messages = {
  "points.earn": command("customer", "An order was paid", z.strictObject({ orderId: id, points })),
  "points.take_back": command(
    "customer",
    "An order's money went back",
    z.strictObject({ orderId: id, points }),
  ),
  "points.adjust": command(
    "customer",
    "Staff give or take points",
    z.strictObject({ delta: z.int(), reason: line(200), by: id.nullable() }),
  ),
  "points.spend": command("customer", "Pay with points", z.strictObject({ paymentId: id, amount: money })),
  "points.cancel": command(
    "customer",
    "The payment is not wanted any more",
    z.strictObject({ paymentId: id }),
  ),
  "points.give_back": command(
    "customer",
    "Give back what was paid with points",
    z.strictObject({ paymentId: id, refundId: z.string().max(100), points }),
  ),
  "points.changed": event(
    "customer",
    "A customer's points have changed",
    z.strictObject({ delta: z.int(), points: z.int(), reason: z.string() }),
  ),
};

export const loyalty = defineContract({
  service: "loyalty",
  description: "Points for paid orders, and paying with them.",
  config: loyaltyConfig,
  errors: loyaltyErrors,
  actions: {
    points: action({
      summary: "The caller's points",
      operationId: "getPoints",
      rest: "GET /loyalty/points",
      auth: "customer",
      params: z.strictObject({}),
      returns: balanceView,
    }),
    adjust: action({
      summary: "Give points to a customer, or take some",
      operationId: "adjustPoints",
      rest: "POST /loyalty/adjustments",
      auth: "staff",
      scope: "loyalty:write",
      idempotent: "required",
      params: z.strictObject({
        customerId: id,
        delta: z
          .int()
          .min(-1_000_000)
          .max(1_000_000)
          .refine((it) => it !== 0, "must not be 0")
          .meta({ description: "Points to add; to take where it is negative", examples: [100] }),
        reason: line(200).meta({ description: "For the record", examples: ["Sorry for the delay"] }),
      }),
      returns: balanceView,
      errors: ["TOO_FEW_POINTS"],
    }),
    // For the provider. Each works once for one payment, or one refund of it.
    spend: action({
      summary: "Pay with points",
      params: z.strictObject({ ...ofPayment, amount: money }),
      returns: spending,
    }),
    cancelSpending: action({
      summary: "See to it that a payment takes no points any more",
      params: z.strictObject(ofPayment),
      returns: spending,
    }),
    giveBack: action({
      summary: "Give back points that a payment has taken",
      params: z.strictObject({ ...ofPayment, refundId: z.string().max(100), points }),
      returns: spending,
      errors: ["TOO_FEW_POINTS"],
    }),
    spending: action({
      summary: "What has become of a payment with points",
      readOnly: true,
      params: z.strictObject(ofPayment),
      returns: spending.nullable(),
    }),
  },
  messages,
  actors: {
    points: {
      receives: ["points.earn", "points.take_back"],
      inline: ["points.adjust", "points.spend", "points.cancel", "points.give_back"],
    },
  },
  workers: {
    reward: { receives: ["order.paid"] },
    unreward: { receives: ["order.refunded"] },
  },
});

declare module "souk" {
  interface Actions extends ActionsOf<typeof loyalty> {}
  interface Messages extends MessagesOf<typeof messages> {}
}
