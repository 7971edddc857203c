/** Every answer was true and lasting: orders that were answered exist once, and what was accepted has happened. */
import { machine } from "../../services/orders/order.actor.ts";
import type { CheckResult } from "./check.ts";
import type { Evidence } from "./checks.ts";

/** Orders that wait for somebody: a customer who may still pay, or staff who ship. */
const RESTING = ["awaiting_payment", "paid", "shipped"];

export function checkOrders({ books, journal }: Pick<Evidence, "books" | "journal">): CheckResult[] {
  const orders = new Map(books.orders.map((it) => [it._id, it]));
  const answered = journal.checkouts.filter((it) => it.answers.length > 0);
  const atRest = new Set<string>([...RESTING, ...machine.final]);

  const lost = answered.flatMap(({ key, answers }) =>
    answers
      .filter((id) => !orders.has(id))
      .map((id) => `order ${id} (key ${key}) was answered and is not there`),
  );
  const stuck = books.orders.flatMap(({ _id, state }) =>
    atRest.has(state.status) ? [] : [`order ${_id} is still ${state.status}`],
  );
  const doubled = answered.flatMap(({ key, answers }) =>
    new Set(answers).size > 1 ? [`key ${key} was answered with ${[...new Set(answers)].join(" and ")}`] : [],
  );
  const keyed = new Map<string, string[]>();
  for (const { key, orderId } of books.keys) keyed.set(orderId, [...(keyed.get(orderId) ?? []), key]);
  const unkeyed = books.orders.flatMap(({ _id }) => {
    const keys = keyed.get(_id) ?? [];
    return keys.length === 1 ? [] : [`order ${_id} has ${keys.length} keys: ${keys.join(", ")}`];
  });
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
      count: books.orders.length,
      failures: [...lost, ...stuck],
    },
    {
      name: "one Idempotency-Key is one order",
      looked: "keys",
      count: books.keys.length,
      failures: [...doubled, ...unkeyed],
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
