/** Reads of payments: one order's attempts, staff's lists, anomalies. Keyset pages, newest first. */
import { type Model, trusted } from "mongoose";
import type { ActorDocument } from "../../broker/actor/actor-host.types.ts";
import type { ParamsIn } from "../../broker/contract.ts";
import type { Anomaly } from "./anomaly.model.ts";
import { fromCursor, toCursor } from "./page-key.ts";
import type { PaymentState } from "./payment.state.ts";
import { paymentView } from "./payment-view.ts";

type Payments = Model<ActorDocument<PaymentState>>;

/** An order has a handful of attempts; more are not shown. */
const MAX_ATTEMPTS = 100;

/** Payments of an order with their customers, newest first. */
export async function attemptsOf(payments: Payments, orderId: string) {
  const found = await payments
    .find({ "state.orderId": orderId }, { state: 1 })
    .sort({ _id: -1 })
    .limit(MAX_ATTEMPTS)
    .lean();
  return found.flatMap(withCustomer);
}

/** Payments by status or receipt; `_id` is a UUIDv7, so its order is that of time. */
export async function listPayments(payments: Payments, params: ListParams) {
  const { status, receipt, limit, cursor } = params;
  const found = await payments
    .find(
      {
        "state.status": status ?? trusted({ $ne: "early" }),
        ...(receipt === undefined ? {} : { "state.receipt": receipt }),
        ...(cursor === undefined ? {} : { _id: trusted({ $lt: fromCursor(cursor, UUID) }) }),
      },
      { state: 1 },
    )
    .sort({ _id: -1 })
    .limit(limit + 1)
    .lean();
  const more = found.length > limit;
  const shown = more ? found.slice(0, limit) : found;
  const items = shown.flatMap(withCustomer).map(({ customerId, payment }) => ({ ...payment, customerId }));
  return { items, nextCursor: more ? toCursor(shown.at(-1)?._id ?? "") : null };
}

type ListParams = Omit<ParamsIn<"payments.list">, "limit"> & { limit: number };

const withCustomer = ({ _id, state }: { _id: string; state: PaymentState }) =>
  state.status === "early" ? [] : [{ customerId: state.customerId, payment: paymentView(_id, state) }];

export async function listAnomalies(anomalies: Model<Anomaly>, limit: number, cursor: string | undefined) {
  const found = await anomalies
    .find(cursor === undefined ? {} : before(fromCursor(cursor, TIME_AND_ID)))
    .sort({ at: -1, _id: -1 })
    .limit(limit + 1)
    .lean();
  const more = found.length > limit;
  const shown = more ? found.slice(0, limit) : found;
  const last = shown.at(-1);
  return {
    items: shown.map(({ _id, ...it }) => ({ id: _id, ...it })),
    nextCursor: more && last ? toCursor(`${last.at} ${last._id}`) : null,
  };
}

function before(key: string) {
  const [at, id] = key.split(" ") as [string, string];
  return { $or: [{ at: trusted({ $lt: at }) }, { at, _id: trusted({ $lt: id }) }] };
}

const UUID = /^[0-9a-f-]{36}$/;
const TIME_AND_ID = /^[0-9TZ:.+-]{20,35} [0-9a-f-]{36}$/;
