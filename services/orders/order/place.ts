/** An order is placed: its stock is requested, and its time to pay starts. Pure. */
import { send } from "../../../broker/actor/define-actor.ts";
import type { Message } from "../../../broker/contract/envelope.ts";
import { fieldName } from "../../../broker/mongo/field-name.ts";
import { type Decided, expiresAt as expiryAt } from "./decision.ts";
import { about } from "./messages.ts";
import { searchWords } from "./search-words.ts";
import type { Attempt } from "./state.ts";

export function place(_: null, { subject, data, time }: Message<"order.place">): Decided {
  const { number, customerId, lines, total, shippingAddress, payment, paymentId, deliveryId, expiresAt } =
    data;
  const first: Attempt = {
    id: paymentId,
    choice: payment,
    status: "planned",
    nextAction: null,
    round: 0,
    captured: null,
    refunds: {},
  };
  return {
    state: {
      status: "placed",
      number,
      customerId,
      ...(data.customer && { customer: data.customer }),
      ...(data.guest && { guest: data.guest }),
      words: searchWords(data),
      ...(data.ext && { ext: data.ext }),
      lines,
      holds: Object.fromEntries(lines.map((line) => [fieldName(line.sku), { status: "asked" }])),
      total,
      shippingAddress,
      attempts: [first],
      paidBy: null,
      deliveryId,
      delivery: null,
      restocked: false,
      reason: null,
      history: [{ status: "placed", at: time }],
      createdAt: time,
      expiresAt,
    },
    send: [
      ...lines.map((line) => send("stock.reserve", line.sku, { orderId: subject, quantity: line.quantity })),
      send("order.placed", subject, { ...about(data), total }),
    ],
    timers: [expiryAt(Date.parse(expiresAt))],
  };
}
