/** Reads of payments: attempts of an order, staff's lists, anomalies. Keyset pages, newest first. */
import { type Model, trusted } from "mongoose";
import type { ActorDocument } from "../../broker/actor/runtime/document/actor-host.types.ts";
import type { ParamsIn, Returned } from "../../broker/contract/contract.ts";
import { parseReceived } from "../../broker/contract/tolerant.ts";
import { beforeId, beforeTimeAndId, pageOf, timeAndId } from "../../broker/mongo/page-cursor.ts";
import type { Anomaly } from "./anomaly.model.ts";
import { type Payment, type PaymentState, paymentState } from "./payment/state.ts";
import { paymentView } from "./payment-view.ts";
import type { Providers } from "./providers/create-providers.ts";
import { wantedBy } from "./providers/find-by.ts";

type Payments = Model<ActorDocument<PaymentState>>;
type Found = Pick<ActorDocument<PaymentState>, "_id" | "state">;

/** An order has a few attempts. Further ones are not shown. */
const MAX_ATTEMPTS = 100;

/** Payments of an order with their customers, newest first. */
export async function attemptsOf(payments: Payments, orderId: string) {
  const found = await payments
    .find({ "state.orderId": orderId }, { state: 1 })
    .sort({ _id: -1 })
    .limit(MAX_ATTEMPTS)
    .lean();
  return requested(found).map(({ id, state }) => ({
    customerId: state.customerId,
    payment: paymentView(id, state),
  }));
}

type Paged<T> = Omit<T, "limit"> & { limit: number };

interface ListTools {
  payments: Payments;
  contacts(ids: string[]): Promise<Returned<"users.contacts">>;
  modules: Providers["modules"];
}

/**
 * Payments by status, provider, and what they are found by. `_id` is a UUIDv7, so it sorts by time.
 * @param contacts returns the customers
 * @throws {SoukError} VALIDATION_FAILED for a phone by which nothing can be found
 */
export async function listPayments(
  { payments, contacts, modules }: ListTools,
  params: Paged<ParamsIn<"payments.list">>,
) {
  const { status, provider, receipt, reference, phone, limit, cursor } = params;
  const found = await payments
    .find(
      {
        "state.status": status ?? trusted({ $ne: "early" }),
        ...(provider === undefined ? {} : { "state.provider": provider }),
        ...(receipt === undefined ? {} : { "state.receipt": receipt }),
        ...(reference === undefined ? {} : { "state.providerRef": reference }),
        ...(phone === undefined
          ? {}
          : { "state.foundBy": trusted({ $in: wantedBy(modules, "phone", phone, provider) }) }),
        ...beforeId(cursor, "payments"),
      },
      { state: 1 },
    )
    .sort({ _id: -1 })
    .limit(limit + 1)
    .lean();
  const { shown, nextCursor } = pageOf(found, limit, "payments", (it) => it._id);
  const payed = requested(shown);
  const ids = [...new Set(payed.map((it) => it.state.customerId))];
  const customers = new Map((ids.length > 0 ? await contacts(ids) : []).map((it) => [it.id, it]));
  const items = payed.map(({ id, state }) => ({
    ...paymentView(id, state),
    reference: state.providerRef,
    options: state.options,
    customerId: state.customerId,
    customer: customers.get(state.customerId) ?? null,
  }));
  return { items, nextCursor };
}

/** Payments whose opening has failed so far, with the information that staff need to fix it. */
export async function listOpenings(payments: Payments, params: Paged<ParamsIn<"payments.openings">>) {
  const { limit, cursor } = params;
  const found = await payments
    .find(
      {
        "state.status": "requested",
        "state.opening.failures": trusted({ $gt: 0 }),
        ...beforeId(cursor, "openings"),
      },
      { state: 1, timers: 1 },
    )
    .sort({ _id: -1 })
    .limit(limit + 1)
    .lean();
  const { shown, nextCursor } = pageOf(found, limit, "openings", (it) => it._id);
  const timers = new Map(shown.map((it) => [it._id, it.timers]));
  const items = requested(shown).flatMap(({ id, state: { orderId, provider, amount, opening } }) => {
    if (!opening) return [];
    const next = timers.get(id)?.find((it) => it.type === "payment.open");
    return [
      { paymentId: id, orderId, provider, amount, ...opening, nextAt: next?.due.toISOString() ?? null },
    ];
  });
  return { items, nextCursor };
}

/** Without payments that were only reported so far. Documents from before a field existed get its default. */
function requested(found: readonly Found[]): { id: string; state: Payment }[] {
  return found.flatMap(({ _id, state }) => {
    const parsed = parseReceived(paymentState, state, `the stored state of payment ${_id}`);
    return parsed.status === "early" ? [] : [{ id: _id, state: parsed }];
  });
}

export async function listAnomalies(anomalies: Model<Anomaly>, limit: number, cursor: string | undefined) {
  const found = await anomalies
    .find(beforeTimeAndId(cursor, "anomalies"))
    .sort({ at: -1, _id: -1 })
    .limit(limit + 1)
    .lean();
  const { shown, nextCursor } = pageOf(found, limit, "anomalies", timeAndId);
  return { items: shown.map(({ _id, ...it }) => ({ id: _id, ...it })), nextCursor };
}
