import { ACTOR_ID, given } from "../../../broker/actor/testing/given.ts";
import type { Step } from "../../../broker/actor/testing/steps.ts";
import type { DataIn } from "../../../broker/contract/contract.ts";
import { derivedV7 } from "../../../broker/contract/ids.ts";
import "../../../services/contracts.ts";
import { returnActor } from "../../../services/returns/return/return.actor.ts";
import type { ReturnMessage } from "../../../services/returns/return/state.ts";

const [ORDER, CUSTOMER, PAYMENT] = [2, 3, 4].map((n) => `019b76da-a800-7000-8000-00000000000${n}`) as [
  string,
  string,
  string,
];
const usd = (amount: number) => ({ amount, currency: "USD" });
type ReturnStep = Step<ReturnMessage>;

const asked: DataIn<"return.request"> = {
  orderId: ORDER,
  orderNumber: "N1",
  customerId: CUSTOMER,
  paymentId: PAYMENT,
  currency: "USD",
  lines: [{ sku: "TEA", name: "Tea", quantity: 3, amount: usd(1_000) }],
  reason: "too strong",
};
const by = CUSTOMER;
const requested: ReturnStep = ["return.request", asked];
const gift: ReturnStep = [
  "return.request",
  { ...asked, paymentId: null, lines: [{ sku: "TEA", name: "Tea", quantity: 3, amount: usd(0) }] },
];
const approved: ReturnStep = ["return.approve", { by, expiresAt: "2026-02-01T00:00:00.000Z" }];
const received = (
  accepted: number,
  refund: number | null = null,
  reason: string | null = null,
): ReturnStep => ["return.receive", { by, lines: [{ sku: "TEA", accepted, restock: true }], refund, reason }];
const refundId = (tries: number) => derivedV7(ACTOR_ID, "refund", tries);
const settled = (tries: number, failure: string | null = null): ReturnStep => [
  "return.refund_settled",
  { refundId: refundId(tries), amount: 333, failure },
];
const refund = (tries: number) =>
  [
    "payment.refund",
    PAYMENT,
    { refundId: refundId(tries), amount: usd(333), upTo: true, reason: "Returned: 1 × Tea" },
  ] as const;
const aReturn = (...past: ReturnStep[]) => given(returnActor, past);

describe("a return", () => {
  it("is opened once, however often its order asks", () => {
    aReturn()
      .when(requested)
      .then({ state: { status: "requested" }, sends: ["return.requested"] })
      .when(requested)
      .thenNothing();
  });

  it("restocks and refunds what is accepted, once", () => {
    aReturn(requested, approved)
      .when(received(1))
      .then({
        state: { status: "received", refund: { status: "pending", amount: 333 } },
        sends: [
          ["stock.restock", "TEA", { orderId: ORDER, quantity: 1, reason: "returned" }],
          "return.received",
          refund(1),
        ],
        timers: [{ cancel: "expiry" }],
      })
      .when(received(1))
      .thenNothing()
      .when(settled(1))
      .then({ state: { status: "refunded" }, sends: ["return.refunded"] })
      .when(settled(1), received(1))
      .thenNothing();
  });

  it("waits with a refund that has failed until staff try again, under another id", () => {
    aReturn(requested, approved, received(1))
      .when(settled(1, "account closed"))
      .then({ state: { status: "received", refund: { status: "failed", failure: "account closed" } } })
      .when(settled(1, "account closed"))
      .thenNothing()
      .when(["return.retry_refund", { by }])
      .then({ state: { refund: { status: "pending", tries: 2 } }, sends: [refund(2)] })
      .when(["return.retry_refund", { by }], settled(1, "account closed"))
      .thenNothing()
      .when(settled(2))
      .then({ state: { status: "refunded" }, sends: ["return.refunded"] });
  });

  it("counts money that a failed refund has moved after all", () => {
    aReturn(requested, approved, received(1), settled(1, "no answer"))
      .when(settled(1))
      .then({ state: { status: "refunded", refund: { status: "succeeded" } }, sends: ["return.refunded"] });
  });

  it("is over at once where nothing was paid", () => {
    aReturn(gift, approved)
      .when(received(3))
      .then({
        state: { status: "refunded" },
        sends: ["stock.restock", "return.received", "return.refunded"],
      });
  });

  it("expires when it is not sent back, and is not cancelled after its goods have arrived", () => {
    aReturn(requested)
      .when(approved)
      .then({
        sends: ["return.approved"],
        timers: [
          { set: "expiry", message: { type: "return.expire", data: {} }, due: Date.parse("2026-02-01") },
        ],
      })
      .when(["return.expire", {}])
      .then({ state: { status: "expired" }, sends: ["return.expired"] });
    aReturn(requested, approved, received(1))
      .when(["return.cancel", { by }])
      .then({ state: "unchanged", refusal: "RETURN_TRANSITION" })
      .when(["return.expire", {}])
      .thenNothing();
  });

  it("refuses a receipt that does not fit, and more money than was paid", () => {
    const parcel = aReturn(requested, approved);
    parcel.when(received(4)).then({ state: "unchanged", refusal: "RETURN_RECEIPT" });
    parcel.when(received(0)).then({ state: "unchanged", refusal: "RETURN_RECEIPT" });
    parcel.when(received(1, 334, "kind")).then({ state: "unchanged", refusal: "RETURN_AMOUNT" });
    parcel.when(received(1, 300)).then({ state: "unchanged", refusal: "RETURN_AMOUNT" });
    parcel
      .when(received(0, null, "empty"))
      .then({ state: { status: "refused" }, sends: ["return.refused"], timers: [{ cancel: "expiry" }] });
    aReturn(requested).when(received(1)).then({ state: "unchanged", refusal: "RETURN_TRANSITION" });
  });
});
