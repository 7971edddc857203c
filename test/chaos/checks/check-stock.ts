/** Units: whatever left the stock was sold, holds belong to open orders, and nothing was ever negative. */
import { type OrderState, wasPaid } from "../../../services/orders/order/state.ts";
import { stockFaults } from "../observers/stock-sampler.ts";
import type { CheckResult } from "./check.ts";
import type { Evidence } from "./checks.ts";

type StockEvidence = Pick<Evidence, "snapshot" | "initial" | "sampler">;

/** Sold and not returned, by the order's own state. */
const isSold = (it: OrderState): boolean => wasPaid(it) && !it.restocked;

export function checkStock({ snapshot, initial, sampler }: StockEvidence): CheckResult[] {
  const stock = new Map(snapshot.stock.map((it) => [it._id, it.state]));
  const sold = sum(
    snapshot.orders.flatMap(({ state }) =>
      isSold(state) ? state.lines.map((it) => [it.sku, it.quantity]) : [],
    ),
  );
  const balance = [...initial].flatMap(([sku, units]) => {
    const item = stock.get(sku);
    if (!item) return [`${sku} is gone`];
    const left = units - item.onHand;
    return left === (sold.get(sku) ?? 0)
      ? []
      : [`${sku}: ${units} at the start, ${item.onHand} on hand, ${sold.get(sku) ?? 0} sold by orders`];
  });
  return [
    {
      name: "per SKU: initial − on hand = sold by orders",
      looked: "SKUs",
      count: initial.size,
      failures: balance,
    },
    checkLedger(snapshot, stock),
    checkHolds(snapshot),
    {
      name: "stock is never negative, at no time",
      looked: "looks at stock items and entries",
      count: sampler.samples + snapshot.ledger.length + snapshot.stock.length,
      failures: [
        ...sampler.faults,
        ...snapshot.stock.flatMap((it) => stockFaults(it._id, it.state)),
        ...snapshot.ledger.flatMap((it) =>
          it.onHand < 0 ? [`ledger entry ${it._id}: ${it.onHand} on hand`] : [],
        ),
      ],
    },
  ];
}

/** The ledger's sum is the stock on hand. It has one entry per order and line for each sale and each return. */
function checkLedger(
  { ledger, orders }: StockEvidence["snapshot"],
  stock: ReadonlyMap<string, { onHand: number }>,
): CheckResult {
  const totals = sum(ledger.map((it) => [it.sku, it.delta]));
  const failures = [...stock].flatMap(([sku, { onHand }]) =>
    (totals.get(sku) ?? 0) === onHand
      ? []
      : [`${sku}: the ledger adds up to ${totals.get(sku) ?? 0}, ${onHand} are on hand`],
  );
  const expected = new Map<string, number>();
  for (const { _id, state } of orders)
    for (const { sku, quantity } of state.lines) {
      if (wasPaid(state)) expected.set(`${_id} sold ${sku}`, -quantity);
      if (state.restocked) expected.set(`${_id} gave back ${sku}`, quantity);
    }
  for (const { _id, orderId, sku, delta } of ledger) {
    if (orderId === null) continue;
    const what = `${orderId} ${delta < 0 ? "sold" : "gave back"} ${sku}`;
    if (expected.get(what) !== delta)
      failures.push(`ledger entry ${_id}: order ${what}, ${delta}, which the order does not know, or twice`);
    expected.delete(what);
  }
  for (const [what, delta] of expected) failures.push(`order ${what} (${delta}), which is not in the ledger`);
  return {
    name: "ledger and orders agree, line by line",
    looked: "ledger entries",
    count: ledger.length,
    failures,
  };
}

/** Stock holds exactly what open orders have recorded, of the same generation. */
function checkHolds({ stock, orders }: StockEvidence["snapshot"]): CheckResult {
  const wanted = new Map<string, string>();
  for (const { _id, state } of orders)
    for (const { sku, quantity } of state.lines) {
      const hold = Object.hasOwn(state.holds, sku) ? state.holds[sku] : undefined;
      if (hold?.status === "held")
        wanted.set(`${sku} for order ${_id}`, `${quantity} (generation ${hold.generation})`);
    }
  let held = 0;
  const failures: string[] = [];
  for (const { _id: sku, state } of stock)
    for (const [orderId, { quantity, generation }] of Object.entries(state.holds)) {
      held++;
      const what = `${sku} for order ${orderId}`;
      const is = `${quantity} (generation ${generation})`;
      if (wanted.get(what) !== is)
        failures.push(`${what}: ${is} held, the order has ${wanted.get(what) ?? "no hold"}`);
      wanted.delete(what);
    }
  for (const [what, hold] of wanted) failures.push(`${what}: the order has ${hold}, stock holds nothing`);
  return { name: "holds = holds that open orders recorded", looked: "holds", count: held, failures };
}

function sum(entries: Iterable<readonly (string | number)[]>): Map<string, number> {
  const totals = new Map<string, number>();
  for (const [key, n] of entries) totals.set(String(key), (totals.get(String(key)) ?? 0) + Number(n));
  return totals;
}
