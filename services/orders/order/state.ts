/** The state of an order, and small pure helpers. */
import { z } from "zod";
import { ext } from "../../../broker/contract/fields.ts";
import { address, id, minorUnits, money, quantity, time } from "../../../broker/contract/schemas.ts";
import { fieldName } from "../../../broker/mongo/field-name.ts";
import { returnStatus } from "../../returns/returns.contract.ts";
import {
  deliverySummary,
  nextAction,
  type OrderStatus,
  orderStatus,
  paymentChoice,
  paymentSummary,
} from "../orders.contract.ts";
import { orderedBy, orderGuest, orderLine } from "../orders.schemas.ts";

const generation = z.int().min(1);

/** What the order knows of the units it asked for. The generation identifies a hold. */
const hold = z.discriminatedUnion("status", [
  z.strictObject({ status: z.literal("asked") }),
  z.strictObject({ status: z.literal("held"), generation }),
  z.strictObject({ status: z.literal("sold"), generation }),
  z.strictObject({ status: z.literal("released"), generation }),
  z.strictObject({ status: z.literal("rejected"), available: z.int().min(0) }),
]);
export type Hold = z.output<typeof hold>;

/** One attempt to pay. `planned` until all stock is held. Nothing is sent to the provider before that. */
const attempt = z.strictObject({
  id,
  choice: paymentChoice,
  status: z.enum(["planned", ...paymentSummary.shape.status.options]),
  nextAction,
  /** How often it was `processing`, so that a late report about an earlier time changes nothing. */
  round: z.int().min(0).default(0),
  /** Null until it is captured. */
  captured: minorUnits.nullable(),
  /** By refund id, so that a repeated report counts once. Ids of refunds made at the provider are derived. */
  refunds: z.record(z.uuid(), minorUnits),
});
export type Attempt = z.output<typeof attempt>;

/** A return of goods, as far as the order needs to know: which units it has, and what was paid for them. */
const orderReturn = z.strictObject({
  status: returnStatus,
  lines: z.array(z.strictObject({ sku: z.string(), quantity, amount: minorUnits })),
});
export type OrderReturn = z.output<typeof orderReturn>;

export const orderState = z.strictObject({
  status: orderStatus,
  number: z.string(),
  customerId: id,
  /** Undefined for orders from before it was kept. */
  customer: orderedBy.optional(),
  /** Of an order without an account. `customerId` is derived from the cart then. */
  guest: orderGuest.optional(),
  /** See search-words.ts. Orders that an older node has placed do not have them. */
  words: z.array(z.string()).optional(),
  /** The customer's account is gone, see erase-customer.ts. */
  erased: z.literal(true).optional(),
  /** Fields of extensions, as they came with the order. */
  ext: ext.optional(),
  lines: z.array(orderLine.extend({ quantity })),
  /** By SKU, as the name of a field: see {@link holdOf}. */
  holds: z.record(z.string(), hold),
  total: money,
  shippingAddress: address,
  /** In the order of the attempts. */
  attempts: z.array(attempt).min(1),
  /** The attempt that paid the order. */
  paidBy: id.nullable(),
  deliveryId: id,
  delivery: deliverySummary.nullable(),
  /** By id. Its lines are the units that no other return may have; none once it has come to nothing. */
  returns: z.record(z.uuid(), orderReturn).optional(),
  /** Whether the sold units have returned to stock. */
  restocked: z.boolean(),
  reason: z.string().nullable(),
  history: z.array(z.strictObject({ status: orderStatus, at: time })),
  createdAt: time,
  expiresAt: time,
});
export type OrderState = z.output<typeof orderState>;

export const holdOf = (state: Pick<OrderState, "holds">, sku: string): Hold | undefined => {
  const field = fieldName(sku);
  return Object.hasOwn(state.holds, field) ? state.holds[field] : undefined;
};

export const withHold = (state: OrderState, sku: string, it: Hold): OrderState => ({
  ...state,
  holds: { ...state.holds, [fieldName(sku)]: it },
});

export const mapHolds = (state: OrderState, change: (it: Hold) => Hold): OrderState["holds"] =>
  Object.fromEntries(Object.entries(state.holds).map(([field, it]) => [field, change(it)]));

export const attemptOf = (state: OrderState, paymentId: string): Attempt | undefined =>
  state.attempts.find((it) => it.id === paymentId);

export const withAttempt = (state: OrderState, changed: Attempt): OrderState => ({
  ...state,
  attempts: state.attempts.map((it) => (it.id === changed.id ? changed : it)),
});

/** The attempt that counts: the one that paid, else the latest. */
export const currentAttempt = (state: OrderState): Attempt => {
  const found = state.paidBy ? attemptOf(state, state.paidBy) : state.attempts.at(-1);
  if (!found) throw new Error(`order ${state.number} has lost its payment`);
  return found;
};

/** Whether there is nothing to pay. Such an order asks no provider. */
export const isFree = ({ total }: OrderState): boolean => total.amount === 0;

/** Whether it has become paid, also where nothing was to pay or the money has gone back. */
export const wasPaid = ({ history }: OrderState): boolean => history.some((it) => it.status === "paid");

/** Whether the customer has paid and the bank is slow. */
export const isProcessing = (it: Attempt): boolean => it.status === "processing";

/** Whether it is requested and has no outcome yet. */
export const isOpen = (it: Attempt): boolean =>
  it.status === "requested" || it.status === "pending" || isProcessing(it);

/** Whether the provider may still take money. Some let the customer try again after a failure. */
export const mayStillCapture = (it: Attempt): boolean => isOpen(it) || it.status === "failed";

export const refundedOf = (it: Attempt): number => Object.values(it.refunds).reduce((a, b) => a + b, 0);

/** Enters a status and records it in the history. */
export const enter = (
  state: OrderState,
  status: OrderStatus,
  at: string,
  changes: Partial<OrderState> = {},
): OrderState => ({ ...state, ...changes, status, history: [...state.history, { status, at }] });
