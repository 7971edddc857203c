/** The points of a customer: given what has happened, when a message comes, then this is decided. */
import { ACTOR_ID as CUSTOMER, given, type Step } from "souk/testing";
import { type PointsMessage, pointsActor } from "../points/points.actor.ts";

const PAYMENT = "019b76da-a800-7000-8000-000000000002";
const ORDER = "019b76da-a800-7000-8000-000000000003";
const usd = (amount: number) => ({ amount, currency: "USD" });
type PointsStep = Step<PointsMessage>;

const earned = (points: number): PointsStep => ["points.earn", { orderId: ORDER, points }];
const spend = (amount: number): PointsStep => ["points.spend", { paymentId: PAYMENT, amount: usd(amount) }];
const cancel: PointsStep = ["points.cancel", { paymentId: PAYMENT }];
const giveBack = (points: number, refundId = "r1"): PointsStep => [
  "points.give_back",
  { paymentId: PAYMENT, refundId, points },
];
const adjust = (delta: number): PointsStep => ["points.adjust", { delta, reason: "gift", by: null }];
const points = (...past: PointsStep[]) => given(pointsActor, past);

describe("points", () => {
  it("are earned and taken back, below nothing where they are spent by then", () => {
    points()
      .when(earned(5))
      .then({
        state: { balance: 5 },
        sends: [["points.changed", CUSTOMER, { delta: 5, points: 5, reason: "earned" }]],
      });
    points(earned(500), spend(400))
      .when(["points.take_back", { orderId: ORDER, points: 500 }])
      .then({ state: { balance: -400 } });
  });

  it("are given and taken by staff, but not below nothing", () => {
    points()
      .when(adjust(10))
      .then({ state: { balance: 10 } })
      .when(adjust(-11))
      .then({ refusal: "TOO_FEW_POINTS" });
    points(earned(5), spend(5)).when(adjust(-1)).then({ refusal: "TOO_FEW_POINTS" });
  });

  it("pay once, and the payment hears of it", () => {
    points(earned(500))
      .when(spend(400))
      .then({ state: { balance: 100 }, sends: ["points.changed", ["payment.report", PAYMENT]] })
      .when(spend(400))
      .thenNothing();
  });

  it("do not pay where there are too few, also when there are more later", () => {
    points(earned(300))
      .when(spend(400))
      .then({ state: { balance: 300, spendings: { [PAYMENT]: { status: "refused" } } }, sends: [] })
      .when(earned(500), spend(400))
      .then({ state: { balance: 800 } });
  });

  it("are not taken for a payment that was cancelled first, and not by a cancellation that comes too late", () => {
    points(earned(500), cancel).when(spend(400)).thenNothing();
    points(earned(500), spend(400)).when(cancel).thenNothing();
  });

  it("come back once for each refund, and never more than were paid", () => {
    const paid = points(earned(500), spend(400));
    const back = paid.when(giveBack(150)).then({ state: { balance: 250 }, sends: ["points.changed"] });
    back.when(giveBack(150)).thenNothing();
    back.when(giveBack(250, "r2")).then({ state: { balance: 500 } });
    back.when(giveBack(251, "r2")).then({ refusal: "TOO_FEW_POINTS" });
    back.when(giveBack(10)).then({ refusal: "TOO_FEW_POINTS" });
    points(earned(500)).when(giveBack(1)).then({ refusal: "TOO_FEW_POINTS" });
  });
});
