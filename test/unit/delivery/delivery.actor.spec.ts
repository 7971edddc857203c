import { ACTOR_ID, given } from "../../../broker/actor/testing/given.ts";
import type { Step } from "../../../broker/actor/testing/steps.ts";
import type { DataIn } from "../../../broker/contract/contract.ts";
import "../../../services/contracts.ts";
import { type DeliveryMessage, deliveryActor } from "../../../services/delivery/delivery.actor.ts";
import { anAddress } from "../../../souk/testing/address.ts";

const ORDER = "019b76da-a800-7000-8000-000000000002";
const aboutOrder: DataIn<"delivery.request"> = {
  orderId: ORDER,
  orderNumber: "N1",
  customerId: "019b76da-a800-7000-8000-000000000003",
  shippingAddress: anAddress(),
  items: [{ sku: "TEA-1", name: "Tea", quantity: 2 }],
};
type DeliveryStep = Step<DeliveryMessage>;
const requested: DeliveryStep = ["delivery.request", aboutOrder];
const cancelled: DeliveryStep = ["delivery.cancel", aboutOrder];
const update = (status: "shipped" | "delivered" | "failed", tracking: string | null = null): DeliveryStep => [
  "delivery.update",
  { status, tracking, reason: null },
];
const delivery = (...past: DeliveryStep[]) => given(deliveryActor, past);
const deliveryId = ACTOR_ID;

describe("a delivery", () => {
  it("is made ready once, however often it is asked for", () => {
    delivery()
      .when(requested)
      .then({ state: { status: "created" }, sends: [["delivery.created", ORDER, { deliveryId }]] })
      .when(requested)
      .thenNothing();
  });

  it("is shipped with a tracking number and arrives", () => {
    const history = [{ status: "created" }, { status: "shipped" }, { status: "delivered" }] as const;
    delivery(requested)
      .when(update("shipped", "T1"))
      .then({ sends: [["delivery.shipped", ORDER, { deliveryId, tracking: "T1" }]] })
      .when(update("delivered"))
      .then({
        state: { tracking: "T1", history },
        sends: [["delivery.succeeded", ORDER, { deliveryId }]],
      });
  });

  it("takes the same word again as a success that changes nothing", () => {
    const shipped = delivery(requested, update("shipped", "T1"));
    for (const again of [update("shipped", "T1"), update("shipped")])
      shipped.when(again).then({ state: "unchanged" });
  });

  it("refuses what can't be from where it is", () => {
    const cases: [past: DeliveryStep[], word: DeliveryStep][] = [
      [[], update("delivered")],
      [[update("shipped", "T1")], update("shipped", "T2")],
      [[update("shipped"), update("delivered")], update("failed")],
      [[update("shipped"), update("delivered")], update("shipped")],
      [[update("shipped"), update("failed")], update("delivered")],
    ];
    for (const [past, word] of cases)
      delivery(requested, ...past)
        .when(word)
        .then({ refusal: "DELIVERY_TRANSITION" });
  });

  it("fails with the carrier's reason", () => {
    delivery(requested, update("shipped"))
      .when(["delivery.update", { status: "failed", tracking: null, reason: "refused at the door" }])
      .then({ sends: [["delivery.failed", ORDER, { deliveryId, reason: "refused at the door" }]] });
  });

  it("is stopped while it has not left", () => {
    delivery(requested)
      .when(cancelled)
      .then({ sends: [["delivery.cancelled", ORDER, { deliveryId }]] })
      .when(update("shipped"))
      .then({ refusal: "DELIVERY_TRANSITION" });
  });

  it("goes on when the cancellation comes after it has left", () => {
    delivery(requested, update("shipped")).when(cancelled).thenNothing();
  });

  it("never starts when the cancellation has overtaken the request", () => {
    delivery()
      .when(cancelled)
      .then({ state: { status: "cancelled" } })
      .when(requested)
      .thenNothing();
  });

  it("keeps the address of an erased customer until it is over, and its country for ever", () => {
    const { country } = anAddress();
    const erased = { name: "erased", line1: "erased", city: "erased", country };
    const erase: DeliveryStep = ["delivery.erase_recipient", {}];
    delivery(requested, update("shipped"))
      .when(erase)
      .then({ state: { shippingAddress: anAddress(), erased: true } })
      .when(update("delivered"))
      .then({ state: { shippingAddress: erased } });
    for (const end of [cancelled, update("failed")])
      delivery(requested, end)
        .when(erase)
        .then({ state: { shippingAddress: erased } })
        .when(erase)
        .then({ state: "unchanged" });
  });

  it("is not invented by a carrier's word", () => {
    delivery().when(update("shipped")).then({ state: null });
  });
});
