/** Every answer was true and durable: answered orders exist once, and accepted commands have happened. */
import { machine } from "../../../services/orders/order/order.actor.ts";
import { isProcessing } from "../../../services/orders/order/state.ts";
import type { CheckResult } from "./check.ts";
import type { Evidence } from "./checks.ts";

/** Orders that wait for a customer's payment or for staff to ship. */
const RESTING = ["awaiting_payment", "paid", "shipped"];
/** Ends that give the cart back, so that it can be ordered again. */
const GIVEN_BACK = ["rejected", "cancelled", "expired"];
/** The shop's own, unless it is set. */
const MAX_OPEN_ORDERS = 3;
const unquoted = (key: string): string => key.replaceAll('"', "");

export function checkOrders({ snapshot, journal }: Pick<Evidence, "snapshot" | "journal">): CheckResult[] {
  const orders = new Map(snapshot.orders.map((it) => [it._id, it]));
  const answered = journal.checkouts.filter((it) => it.answers.length > 0);
  const atRest = new Set<string>([...RESTING, ...machine.final]);

  const lost = answered.flatMap(({ key, answers }) =>
    answers
      .filter((id) => !orders.has(id))
      .map((id) => `order ${id} (key ${key}) was answered and is not there`),
  );
  const stuck = snapshot.orders.flatMap(({ _id, state }) =>
    atRest.has(state.status) ? [] : [`order ${_id} is still ${state.status}`],
  );
  const doubled = answered.flatMap(({ key, answers }) =>
    new Set(answers).size > 1 ? [`key ${key} was answered with ${[...new Set(answers)].join(" and ")}`] : [],
  );
  const keyed = new Map<string, string[]>();
  for (const { key, orderId } of snapshot.keys) keyed.set(orderId, [...(keyed.get(orderId) ?? []), key]);
  const unkeyed = snapshot.orders.flatMap(({ _id }) => {
    const keys = keyed.get(_id) ?? [];
    return keys.length === 1 ? [] : [`order ${_id} has ${keys.length} keys: ${keys.join(", ")}`];
  });
  const byKey = new Map(snapshot.keys.map(({ key, orderId }) => [key.slice(key.indexOf("/") + 1), orderId]));
  const twice = journal.tabs.flatMap((keys) => {
    const made = keys.flatMap((key) => orders.get(byKey.get(unquoted(key)) ?? "") ?? []);
    const standing = made.filter(({ state }) => !GIVEN_BACK.includes(state.status)).map((it) => it._id);
    return standing.length > 1 ? [`one cart has become the orders ${standing.join(" and ")}`] : [];
  });
  const open = new Map<string, number>();
  for (const { state } of snapshot.orders)
    if (state.status === "awaiting_payment" && !state.attempts.some(isProcessing))
      open.set(state.customerId, (open.get(state.customerId) ?? 0) + 1);
  const tooMany = [...open].flatMap(([customer, count]) =>
    count > MAX_OPEN_ORDERS ? [`customer ${customer} has ${count} open orders`] : [],
  );
  const broken = journal.promises.flatMap(({ orderId, what, through }) => {
    const history = orders.get(orderId)?.state.history.map((it) => it.status) ?? [];
    return through.some((it) => history.includes(it))
      ? []
      : [`order ${orderId} was answered to be ${what}, and went ${history.join(" → ") || "nowhere"}`];
  });

  return [
    {
      name: "what was answered 2xx exists, and is at an end or waits",
      looked: `orders, ${answered.length} answered`,
      count: snapshot.orders.length,
      failures: [...lost, ...stuck],
    },
    {
      name: "one Idempotency-Key is one order",
      looked: "keys",
      count: snapshot.keys.length,
      failures: [...doubled, ...unkeyed],
    },
    {
      name: "a cart is ordered once, and open orders are bounded",
      looked: "carts in two tabs",
      count: journal.tabs.length,
      failures: [...twice, ...tooMany],
    },
    {
      name: "each command that was accepted has had its effect",
      looked: "cancels, shipments and refunds",
      count: journal.promises.length,
      failures: broken,
    },
    {
      name: "no answer but those of the contract",
      looked: "checkouts",
      count: journal.checkouts.length,
      failures: journal.surprises,
    },
  ];
}
