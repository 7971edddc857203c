/**
 * One delivery: created for an order, handed to the carrier, delivered or failed. It can be cancelled before it
 * leaves.
 */
import { z } from "zod";
import { type Decision, defineActor, send } from "../../broker/actor/define-actor.ts";
import { defineMachine, type Ignored } from "../../broker/actor/state-machine.ts";
import type { ReceivedBy } from "../../broker/contract/contract.ts";
import type { Message } from "../../broker/contract/envelope.ts";
import { type Address, address, id, quantity, sku, time } from "../../broker/contract/schemas.ts";
import { type DeliveryStatus, delivery, deliveryStatus } from "./delivery.contract.ts";

export const deliveryState = z.strictObject({
  status: deliveryStatus,
  orderId: id,
  orderNumber: z.string(),
  customerId: id,
  shippingAddress: address,
  items: z.array(z.strictObject({ sku, name: z.string(), quantity })),
  tracking: z.string().nullable(),
  failure: z.string().nullable(),
  history: z.array(z.strictObject({ status: deliveryStatus, at: time })),
  createdAt: time,
  /** The account of its customer is gone. Once it is over, it has no name and address any more. */
  erased: z.literal(true).optional(),
});
export type DeliveryState = z.output<typeof deliveryState>;
export type DeliveryMessage = ReceivedBy<typeof delivery, "delivery">;

type Decided = Decision<DeliveryState>;

const ignore = (reason: string): Ignored => ({ ignore: reason });

const newDelivery = (
  status: DeliveryStatus,
  { data, time }: Message<"delivery.request" | "delivery.cancel">,
): DeliveryState => ({
  ...data,
  status,
  tracking: null,
  failure: null,
  history: [{ status, at: time }],
  createdAt: time,
});

const enter = (state: DeliveryState, status: DeliveryStatus, at: string): DeliveryState => ({
  ...state,
  status,
  shippingAddress: addressIn(status, state),
  history: [...state.history, { status, at }],
});

const FINAL: readonly DeliveryStatus[] = ["delivered", "failed", "cancelled"];

const addressIn = (
  status: DeliveryStatus,
  { erased, shippingAddress }: Pick<DeliveryState, "erased" | "shippingAddress">,
): DeliveryState["shippingAddress"] =>
  erased && FINAL.includes(status) ? withoutPerson(shippingAddress) : shippingAddress;

/** The country stays: taxes and reports depend on it. */
const withoutPerson = ({ country }: Pick<Address, "country">): Address => ({
  name: "erased",
  line1: "erased",
  city: "erased",
  country,
});

/** The customer's account is gone. */
function eraseRecipient(state: DeliveryState): Decided {
  if (state.erased) return { state };
  const shippingAddress = addressIn(state.status, { ...state, erased: true });
  return { state: { ...state, erased: true, shippingAddress } };
}

function request(_: null, message: Message<"delivery.request">): Decided {
  const { subject: deliveryId, data } = message;
  return {
    state: newDelivery("created", message),
    send: [send("delivery.created", data.orderId, { deliveryId })],
  };
}

/** The cancellation arrived before the request. It is stored, so that the request finds it. */
function cancelBeforeRequest(_: null, message: Message<"delivery.cancel">): Decided {
  const { subject: deliveryId, data } = message;
  return {
    state: newDelivery("cancelled", message),
    send: [send("delivery.cancelled", data.orderId, { deliveryId })],
  };
}

function cancel(state: DeliveryState, { subject: deliveryId, time }: Message<"delivery.cancel">): Decided {
  return {
    state: enter(state, "cancelled", time),
    send: [send("delivery.cancelled", state.orderId, { deliveryId })],
  };
}

/** A report of the carrier. A repeated one changes nothing. One that does not fit the status is refused. */
function update(
  state: DeliveryState,
  { subject: deliveryId, data, time }: Message<"delivery.update">,
): Decided {
  const tracking = data.tracking ?? state.tracking;
  if (data.status === state.status && tracking === state.tracking) return { state };
  if (!(FROM[data.status] as readonly DeliveryStatus[]).includes(state.status))
    return {
      state,
      refusal: {
        code: "DELIVERY_TRANSITION",
        detail: `A delivery that is ${state.status} can't become ${data.status}.`,
      },
    };
  const next = { ...enter(state, data.status, time), tracking };
  switch (data.status) {
    case "shipped":
      return { state: next, send: [send("delivery.shipped", state.orderId, { deliveryId, tracking })] };
    case "delivered":
      return { state: next, send: [send("delivery.succeeded", state.orderId, { deliveryId })] };
    case "failed": {
      const failure = data.reason ?? "could not be delivered";
      return {
        state: { ...next, failure },
        send: [send("delivery.failed", state.orderId, { deliveryId, reason: failure })],
      };
    }
  }
}

/** From which statuses the carrier may report what. A delivery may also fail before it leaves (lost, damaged). */
const FROM = { shipped: ["created"], delivered: ["shipped"], failed: ["created", "shipped"] } as const;

export const machine = defineMachine<DeliveryState, DeliveryMessage>({
  name: "delivery",
  final: FINAL,
  table: {
    none: {
      "delivery.request": { to: ["created"], decide: request },
      "delivery.cancel": { to: ["cancelled"], decide: cancelBeforeRequest },
      "delivery.update": ignore("there is no such delivery"),
      "delivery.erase_recipient": ignore("there is no such delivery"),
    },
    created: {
      "delivery.request": ignore("made ready already"),
      "delivery.cancel": { to: ["cancelled"], decide: cancel },
      "delivery.update": { to: ["shipped", "failed", "created"], decide: update },
      "delivery.erase_recipient": { to: ["created"], decide: eraseRecipient },
    },
    shipped: {
      "delivery.request": ignore("made ready already"),
      "delivery.cancel": ignore("it is with the carrier; how it ends will be reported"),
      "delivery.update": { to: ["delivered", "failed", "shipped"], decide: update },
      "delivery.erase_recipient": { to: ["shipped"], decide: eraseRecipient },
    },
    delivered: {
      "delivery.request": ignore("made ready already"),
      "delivery.cancel": ignore("it has arrived"),
      "delivery.update": { to: ["delivered"], decide: update },
      "delivery.erase_recipient": { to: ["delivered"], decide: eraseRecipient },
    },
    failed: {
      "delivery.request": ignore("made ready already"),
      "delivery.cancel": ignore("it has failed, which the order knows"),
      "delivery.update": { to: ["failed"], decide: update },
      "delivery.erase_recipient": { to: ["failed"], decide: eraseRecipient },
    },
    cancelled: {
      "delivery.request": ignore("cancelled before it was made ready"),
      "delivery.cancel": ignore("cancelled already"),
      "delivery.update": { to: ["cancelled"], decide: update },
      "delivery.erase_recipient": { to: ["cancelled"], decide: eraseRecipient },
    },
  },
});

export const deliveryActor = defineActor(delivery, "delivery", {
  idempotentByKey: ["delivery.request", "delivery.cancel"],
  startedBy: ["delivery.request"],
  state: deliveryState,
  receive: machine.receive,
});
