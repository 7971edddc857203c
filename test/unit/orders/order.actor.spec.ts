/** Given a state, when a message comes, then this is sent: the traps of the saga, one by one. */
import assert from "node:assert/strict";
import { given, ACTOR_ID as ID } from "../../../broker/actor/testing/given.ts";
import { SENT_AT, type Step } from "../../../broker/actor/testing/steps.ts";
import type { DataIn } from "../../../broker/contract/contract.ts";
import { derivedV7 } from "../../../broker/contract/ids.ts";
import { id as idSchema } from "../../../broker/contract/schemas.ts";
import "../../../services/contracts.ts";
import { MAX_ATTEMPTS } from "../../../services/orders/order/attempts.ts";
import type { OrderMessage } from "../../../services/orders/order/decision.ts";
import { machine, orderActor } from "../../../services/orders/order/order.actor.ts";
import { orderView } from "../../../services/orders/order/view.ts";
import { anAddress } from "../../../souk/testing/address.ts";

const CUSTOMER = "019b76da-a800-7000-8000-000000000002";
const PAYMENT = derivedV7(ID, "payment");
const SECOND = derivedV7(ID, "second");
const DELIVERY = derivedV7(ID, "delivery");
const usd = (amount: number) => ({ amount, currency: "USD" });
const EXPIRES = SENT_AT + 1_800_000;

const place: DataIn<"order.place"> = {
  number: "N1",
  customerId: CUSTOMER,
  lines: [
    { sku: "tea", name: "Tea", quantity: 2, unitPrice: usd(300), total: usd(600) },
    { sku: "cup", name: "Cup", quantity: 1, unitPrice: usd(900), total: usd(900) },
  ],
  total: usd(1_500),
  shippingAddress: anAddress(),
  payment: { provider: "sandbox" },
  paymentId: PAYMENT,
  deliveryId: DELIVERY,
  expiresAt: new Date(EXPIRES).toISOString(),
};

type OrderStep = Step<OrderMessage>;
const order = (...past: OrderStep[]) => given(orderActor, past);

const placed: OrderStep = ["order.place", place];
const teaHeld: OrderStep = ["stock.reserved", { sku: "tea", quantity: 2, generation: 7 }];
const cupHeld: OrderStep = ["stock.reserved", { sku: "cup", quantity: 1, generation: 3 }];
const cupOut: OrderStep = ["stock.rejected", { sku: "cup", available: 0 }];
const pending: OrderStep = [
  "payment.pending",
  { paymentId: PAYMENT, provider: "sandbox", nextAction: { type: "redirect", url: "https://pay.test/1" } },
];
const captured: OrderStep = ["payment.captured", { paymentId: PAYMENT, amount: usd(1_500) }];
const payAgain: OrderStep = ["order.pay", { paymentId: SECOND, payment: { provider: "sandbox" } }];
const cancel: OrderStep = ["order.cancel", { by: CUSTOMER, reason: null }];
const expire: OrderStep = ["order.expire", {}];
const awaiting = [placed, teaHeld, cupHeld, pending];
const paid = [...awaiting, captured];
const refunded = (amount: number, refundId = derivedV7(PAYMENT, "staff", amount)): OrderStep => [
  "payment.refunded",
  { paymentId: PAYMENT, refundId, amount: usd(amount), full: false },
];
const shipped: OrderStep = ["delivery.shipped", { deliveryId: DELIVERY, tracking: "T1" }];
const arrived: OrderStep = ["delivery.succeeded", { deliveryId: DELIVERY }];
const lost: OrderStep = ["delivery.failed", { deliveryId: DELIVERY, reason: "lost" }];

describe("an order", () => {
  it("asks for its stock when it is placed, and sets the time to pay", () => {
    order()
      .when(placed)
      .then({
        state: { status: "placed" },
        sends: [
          ["stock.reserve", "tea"],
          ["stock.reserve", "cup"],
          ["order.placed", ID],
        ],
        timers: [{ set: "expiry", message: { type: "order.expire", data: {} }, due: EXPIRES }],
      });
  });

  it("is not placed twice by a repeated request", () => {
    order(...paid)
      .when(placed)
      .then({ state: "unchanged", sends: [] });
  });

  it("asks for its payment when the last line is held, and not before", () => {
    order(placed)
      .when(teaHeld)
      .then({ state: { status: "placed" }, sends: [] })
      .when(cupHeld)
      .then({ state: { status: "awaiting_payment" }, sends: [["payment.request", PAYMENT]] });
  });

  it("takes a redelivered reply for what it is, in any status", () => {
    for (const past of [[placed, teaHeld], awaiting, paid, [...awaiting, cancel]])
      order(...past)
        .when(teaHeld)
        .then({ state: "unchanged", sends: [] });
  });

  it("releases a hold of a generation that it has not recorded", () => {
    const late: OrderStep = ["stock.reserved", { sku: "tea", quantity: 2, generation: 8 }];
    for (const past of [[placed, teaHeld], awaiting, paid, [...awaiting, expire]]) {
      const outcome = order(...past).when(late);
      outcome.then({ state: "unchanged" });
      assert.deepEqual(outcome.sent("stock.release"), [{ orderId: ID, generation: 8 }]);
    }
  });

  it("ignores a late rejection of a line that is held", () => {
    order(placed, cupHeld).when(cupOut).then({ state: "unchanged" });
  });

  it("ends rejected when a line can't be had, and releases the lines that are held", () => {
    order(placed, teaHeld)
      .when(cupOut)
      .then({
        state: { status: "rejected" },
        sends: [
          ["stock.release", "tea"],
          ["order.rejected", ID],
        ],
        timers: [{ cancel: "expiry" }],
      });
  });

  it("releases a line that answers after the end, once", () => {
    for (const end of [cupOut, cancel, expire]) {
      const late = order(placed, end).when(teaHeld);
      assert.deepEqual(late.sent("stock.release"), [{ orderId: ID, generation: 7 }]);
      late.when(teaHeld).then({ sends: [] });
    }
  });

  it("becomes paid by a capture: sells its stock, asks for the delivery, tells what was bought", () => {
    order(...awaiting)
      .when(captured)
      .then({
        state: { status: "paid" },
        sends: [
          ["stock.commit", "tea", { orderId: ID, generation: 7 }],
          ["stock.commit", "cup", { orderId: ID, generation: 3 }],
          ["delivery.request", DELIVERY],
          ["order.paid", ID],
        ],
        timers: [{ cancel: "expiry" }],
      });
  });

  describe("with nothing to pay", () => {
    const free: OrderStep = [
      "order.place",
      {
        ...place,
        lines: place.lines.map((it) => ({ ...it, unitPrice: usd(0), total: usd(0) })),
        total: usd(0),
        payment: { provider: "none" },
      },
    ];

    it("becomes paid when its last line is held, and asks for no payment", () => {
      order(free, teaHeld)
        .when(cupHeld)
        .then({
          state: { status: "paid", paidBy: null },
          sends: [
            ["stock.commit", "tea", { orderId: ID, generation: 7 }],
            ["stock.commit", "cup", { orderId: ID, generation: 3 }],
            ["delivery.request", DELIVERY],
            ["order.paid", ID],
          ],
          timers: [{ cancel: "expiry" }],
        })
        .when(cupHeld)
        .then({ state: "unchanged", sends: [] });
    });

    it("shows no payment, in any status", () => {
      const steps = [free, teaHeld, cupHeld, lost];
      for (const [at] of steps.entries()) {
        const { state } = order(...steps.slice(0, at + 1));
        assert.ok(state);
        assert.equal(orderView({ id: ID, version: 1, state }).payment, null, state.status);
      }
    });

    it("is rejected, cancelled and expires like any other", () => {
      for (const [end, status] of [
        [cupOut, "rejected"],
        [cancel, "cancelled"],
        [expire, "expired"],
      ] as const)
        order(free, teaHeld)
          .when(end)
          .then({
            state: { status },
            sends: [
              ["stock.release", "tea"],
              [`order.${status}`, ID],
            ],
          });
      order(free, teaHeld, cupHeld).when(cancel).then({ refusal: "ORDER_NOT_CANCELLABLE" });
      order(free, teaHeld, cupHeld).when(payAgain).then({ refusal: "ORDER_NOT_PAYABLE" });
    });

    it("ends when its delivery fails: goods go back, and no money", () => {
      for (const past of [[], [shipped]])
        order(free, teaHeld, cupHeld, ...past)
          .when(lost)
          .then({
            state: { status: "refunded", restocked: true },
            sends: [
              ["stock.restock", "tea"],
              ["stock.restock", "cup"],
              ["order.delivery_failed", ID],
              ["order.refunded", ID, { number: "N1", customerId: CUSTOMER, amount: usd(0) }],
            ],
          })
          .when(lost)
          .then({ sends: [] });
    });
  });

  describe("whose bank is slow", () => {
    const DAYS = 14 * 86_400_000;
    const processing = (round = 1, paymentId = PAYMENT, until = SENT_AT + DAYS): OrderStep => [
      "payment.processing",
      { paymentId, provider: "sandbox", until: new Date(until).toISOString(), round },
    ];
    const failed = (round?: number): OrderStep => [
      "payment.failed",
      { paymentId: PAYMENT, reason: "the bank declined", ...(round === undefined ? {} : { round }) },
    ];
    const onItsWay = [...awaiting, processing()];
    const waitsUntil = (due: number) => ({
      set: "expiry",
      message: { type: "order.expire" as const, data: {} },
      due,
    });
    const viewOf = (...past: OrderStep[]) => {
      const { state } = order(...past);
      assert.ok(state);
      return orderView({ id: ID, version: 1, state });
    };

    it("waits with its stock past its time to pay, as long as the method may take", () => {
      order(...awaiting)
        .when(processing())
        .then({
          state: { status: "awaiting_payment" },
          sends: [],
          timers: [waitsUntil(SENT_AT + DAYS)],
        });
      // Never less than the customer would have had.
      order(...awaiting)
        .when(processing(1, PAYMENT, SENT_AT + 1))
        .then({ timers: [waitsUntil(EXPIRES)] });
      const { payment, expiresAt } = viewOf(...onItsWay);
      assert.deepEqual([payment?.status, payment?.nextAction, expiresAt], ["processing", null, null]);
    });

    it("is paid when the money comes, and expires when it does not come in that time", () => {
      order(...onItsWay)
        .when(captured)
        .then({ state: { status: "paid" }, timers: [{ cancel: "expiry" }] });
      order(...onItsWay)
        .when(expire)
        .then({
          state: { status: "expired" },
          sends: [
            ["stock.release", "tea"],
            ["stock.release", "cup"],
            ["payment.cancel", PAYMENT],
            ["order.expired", ID],
          ],
        });
    });

    it("hears of it once, before or after it hears that the payment is open, and also after a failure", () => {
      order(...onItsWay)
        .when(processing())
        .then({ state: "unchanged" })
        .when(pending)
        .then({ state: "unchanged" });
      order(placed, teaHeld, cupHeld)
        .when(processing())
        .then({ timers: [waitsUntil(SENT_AT + DAYS)] });
      order(...awaiting, failed())
        .when(processing())
        .then({ timers: [waitsUntil(SENT_AT + DAYS)] });
    });

    it("is payable again when the bank declines, while there is time, and over when there is none", () => {
      order(...onItsWay)
        .when(failed(1))
        .then({ state: { status: "awaiting_payment" }, sends: [], timers: [waitsUntil(EXPIRES)] })
        .when(payAgain)
        .then({
          sends: [
            ["payment.cancel", PAYMENT],
            ["payment.request", SECOND],
          ],
        });
      const tooLate: OrderStep[] = [
        ["payment.failed", { paymentId: PAYMENT, reason: "no funds", round: 1 }, EXPIRES],
        ["payment.expired", { paymentId: PAYMENT, round: 1 }, EXPIRES],
      ];
      for (const end of tooLate) {
        const over = order(...onItsWay).when(end);
        over.then({ state: { status: "expired" } });
        assert.deepEqual(
          over.sent("stock.release").map((it) => it.generation),
          [7, 3],
        );
        assert.equal(over.sent("order.expired").length, 1);
      }
    });

    it("takes no report about an earlier time for one about this, in whatever order they come", () => {
      // The customer failed first, and then paid by another method.
      for (const stale of [failed(), failed(0)])
        order(...onItsWay)
          .when(stale)
          .then({ state: "unchanged", timers: [] });
      // The bank declined, and that was heard of first.
      order(...awaiting, failed(1))
        .when(processing(1))
        .then({ state: "unchanged", timers: [] })
        .when(processing(2))
        .then({ timers: [waitsUntil(SENT_AT + DAYS)] });
    });

    it("is not paid a second time meanwhile, but can be cancelled: the money goes back when it comes", () => {
      order(...onItsWay)
        .when(payAgain)
        .then({ refusal: "ORDER_NOT_PAYABLE" });
      order(...onItsWay)
        .when(cancel)
        .then({
          state: { status: "cancelled" },
          sends: [
            ["stock.release", "tea"],
            ["stock.release", "cup"],
            ["payment.cancel", PAYMENT],
            ["order.cancelled", ID],
          ],
        })
        .when(captured)
        .then({ state: { status: "cancelled" }, sends: [["payment.refund", PAYMENT]] });
    });

    it("does not wait for an attempt that was called off, though it is paid by it", () => {
      order(...awaiting, payAgain)
        .when(processing())
        .then({ state: "unchanged", timers: [] })
        .when(captured)
        .then({ state: { status: "paid", paidBy: PAYMENT } });
      order(...awaiting, payAgain, processing(1, SECOND))
        .when(captured)
        .then({ state: { status: "paid", paidBy: PAYMENT } });
    });

    it("hears nothing of it once it is paid or over", () => {
      for (const past of [paid, [...awaiting, cancel], [...awaiting, expire], [placed, cupOut], [placed]])
        order(...past)
          .when(processing())
          .then({ state: "unchanged", sends: [], timers: [] });
    });
  });

  it("becomes paid by a capture that overtakes the news that the payment is open", () => {
    order(placed, teaHeld, cupHeld)
      .when(captured)
      .then({ state: { status: "paid" } })
      .when(pending)
      .then({ state: "unchanged" });
  });

  it("changes nothing when a capture is reported again", () => {
    for (const past of [paid, [...paid, shipped], [...awaiting, cancel, captured]])
      order(...past)
        .when(captured)
        .then({ state: "unchanged", sends: [] });
  });

  it("gives the money back when the capture comes after the end, under an id that is always the same", () => {
    for (const end of [cancel, expire]) {
      const ended = order(...awaiting, end);
      const outcome = ended.when(captured);
      outcome.then({ state: { status: ended.state?.status }, sends: [["payment.refund", PAYMENT]] });
      const refunds = outcome.sent("payment.refund");
      assert.deepEqual(refunds, ended.when(captured).sent("payment.refund"));
      assert.ok(idSchema.safeParse(refunds[0]?.refundId).success);
    }
  });

  it("stays payable after a failed attempt, and the next one calls the others off", () => {
    order(...awaiting)
      .when(["payment.failed", { paymentId: PAYMENT, reason: "declined" }])
      .then({ state: { status: "awaiting_payment" } })
      .when(payAgain)
      .then({
        sends: [
          ["payment.cancel", PAYMENT],
          ["payment.request", SECOND],
        ],
      })
      // The same attempt again is no other.
      .when(payAgain)
      .then({ state: "unchanged" });
  });

  it("gives back money for an order that is not there", () => {
    order()
      .when(captured)
      .then({ state: null, sends: [["payment.refund", PAYMENT]] });
  });

  it("is paid by an earlier attempt that was captured all the same, and refunds the later one", () => {
    const earlier = order(...awaiting, payAgain).when(captured);
    earlier.then({ state: { paidBy: PAYMENT } });
    assert.ok(earlier.sends.some((it) => it.type === "payment.cancel" && it.subject === SECOND));
    earlier
      .when(["payment.captured", { paymentId: SECOND, amount: usd(1_500) }])
      .then({ state: { status: "paid" }, sends: [["payment.refund", SECOND]] });
  });

  it(`takes no more than ${MAX_ATTEMPTS} attempts`, () => {
    const again = (n: number): OrderStep => [
      "order.pay",
      { paymentId: derivedV7(ID, n), payment: { provider: "sandbox" } },
    ];
    order(...awaiting, ...Array.from({ length: MAX_ATTEMPTS - 1 }, (_, n) => again(n)))
      .when(again(99))
      .then({ refusal: "ORDER_NOT_PAYABLE" });
  });

  it("can be cancelled until it is paid: frees stock and calls the payment off", () => {
    order(...awaiting)
      .when(cancel)
      .then({
        sends: [
          ["stock.release", "tea"],
          ["stock.release", "cup"],
          ["payment.cancel", PAYMENT],
          ["order.cancelled", ID],
        ],
      })
      // Cancelling again is fine.
      .when(cancel)
      .then({});
    order(placed)
      .when(cancel)
      .then({ sends: [["order.cancelled", ID]] });
    for (const past of [paid, [...paid, shipped], [placed, cupOut], [placed, expire]])
      order(...past)
        .when(cancel)
        .then({ refusal: "ORDER_NOT_CANCELLABLE" });
  });

  it("can't be paid again once it is paid or over", () => {
    for (const past of [paid, [placed, cupOut], [...awaiting, cancel], [...awaiting, expire]])
      order(...past)
        .when(payAgain)
        .then({ refusal: "ORDER_NOT_PAYABLE" });
  });

  it("expires only while it is unpaid", () => {
    for (const past of [[placed], awaiting])
      order(...past)
        .when(expire)
        .then({ state: { status: "expired" } });
    order(...paid)
      .when(expire)
      .then({ state: "unchanged" });
  });

  it("follows its delivery, also where its reports come in the wrong order", () => {
    order(...paid)
      .when(shipped)
      .then({ sends: [["order.shipped", ID]] });
    order(...paid)
      .when(arrived)
      .then({ state: { status: "delivered" } })
      .when(shipped)
      .then({
        state: { status: "delivered", delivery: { id: DELIVERY, status: "delivered", tracking: "T1" } },
      });
  });

  it("gives money and goods back when the delivery fails, and is refunded when the money is back", () => {
    order(...paid, shipped)
      .when(lost)
      .then({
        state: { status: "delivery_failed" },
        sends: [
          ["stock.restock", "tea"],
          ["stock.restock", "cup"],
          ["payment.refund", PAYMENT],
          ["order.delivery_failed", ID],
        ],
      })
      .when(refunded(1_500))
      .then({
        state: { status: "refunded" },
        sends: [["order.refunded", ID, { number: "N1", customerId: CUSTOMER, amount: usd(1_500) }]],
      })
      // Nothing is restocked twice.
      .when(lost)
      .then({ sends: [] });
  });

  it("counts a partial refund once, and is refunded when the parts make the whole", () => {
    const part = order(...paid, refunded(500), refunded(500));
    assert.equal(part.state?.status, "paid");
    assert.equal(part.state.attempts[0]?.status, "partially_refunded");
    part.when(refunded(1_000)).then({ state: { status: "refunded" } });
  });

  it("stops a delivery that has not left when all is refunded, and restocks when it is stopped", () => {
    order(...paid)
      .when(refunded(1_500))
      .then({
        sends: [
          ["delivery.cancel", DELIVERY],
          ["order.refunded", ID],
        ],
      })
      .when(["delivery.cancelled", { deliveryId: DELIVERY }])
      .then({
        state: { delivery: { status: "cancelled" } },
        sends: [
          ["stock.restock", "tea"],
          ["stock.restock", "cup"],
        ],
      });
  });

  it("does not count goods back in that the customer has", () => {
    order(...paid, shipped, arrived)
      .when(refunded(1_500))
      .then({ state: { status: "refunded", restocked: false }, sends: [["order.refunded", ID]] });
  });

  it("is not paid by money that was given back before its capture was heard of", () => {
    order(...awaiting, refunded(1_500))
      .when(captured)
      .then({ state: { status: "awaiting_payment" }, sends: [] });
  });

  it("has a row or a reason for every message in every status", () => {
    for (const [status, rows] of Object.entries(machine.table)) {
      assert.deepEqual(Object.keys(rows).sort(), [...orderActor.receives].sort(), status);
      for (const row of Object.values(rows))
        if ("ignore" in row) assert.ok(row.ignore.length > 5);
        else assert.ok(row.to.length > 0);
    }
  });
});
