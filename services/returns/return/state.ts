/** The state of a return, and small pure helpers. */
import { z } from "zod";
import type { Decision } from "../../../broker/actor/define-actor.ts";
import type { ReceivedBy } from "../../../broker/contract/contract.ts";
import type { ErrorCode } from "../../../broker/contract/errors.ts";
import { minorUnits, sku, time } from "../../../broker/contract/schemas.ts";
import type { returns } from "../returns.contract.ts";
import { type ReturnedLine, type ReturnStatus, returnRequest, returnStatus } from "../returns.schemas.ts";

const receivedLine = z.strictObject({
  sku,
  accepted: z.int().min(0),
  restock: z.boolean(),
  /** What was paid for the accepted units. */
  amount: minorUnits,
});
export type ReceivedLine = z.output<typeof receivedLine>;

const refund = z.strictObject({
  /** Of the payment's refund. Each try has its own, derived from the return. */
  id: z.uuid(),
  tries: z.int().min(1),
  status: z.enum(["pending", "succeeded", "failed"]),
  amount: minorUnits,
  failure: z.string().nullable(),
});
export type ReturnRefund = z.output<typeof refund>;

export const returnState = returnRequest.extend({
  status: returnStatus,
  /** What was accepted, once the goods have arrived: a line for each line. */
  received: z.array(receivedLine).nullable(),
  refund: refund.nullable(),
  /** Why less is given back than was paid. */
  reduction: z.string().nullable(),
  refusal: z.string().nullable(),
  /** Of an approved return. */
  expiresAt: time.nullable(),
  history: z.array(z.strictObject({ status: returnStatus, at: time })),
  createdAt: time,
});
export type ReturnState = z.output<typeof returnState>;
export type ReturnMessage = ReceivedBy<typeof returns, "return">;
export type Decided = Decision<ReturnState>;

export const EXPIRY = "expiry";

/** Enters a status and records it in the history. */
export const enter = (
  state: ReturnState,
  status: ReturnStatus,
  at: string,
  changes: Partial<ReturnState> = {},
): ReturnState => ({ ...state, ...changes, status, history: [...state.history, { status, at }] });

/** Refuses an inline message. */
export const refuse = (state: ReturnState, code: ErrorCode, detail: string): Decided => ({
  state,
  refusal: { code, detail },
});

export const moneyOf = ({ currency }: Pick<ReturnState, "currency">, amount: number) => ({
  amount,
  currency,
});

/** The accepted units, as events tell of them. */
export const acceptedLines = (state: ReturnState): ReturnedLine[] =>
  (state.received ?? []).flatMap(({ sku, accepted, amount }) => {
    const line = state.lines.find((it) => it.sku === sku);
    return line && accepted > 0 ? [{ ...line, quantity: accepted, amount: moneyOf(state, amount) }] : [];
  });

/** What each event of a return tells. */
export const about = (state: ReturnState, returnId: string, lines: ReturnedLine[] = state.lines) => ({
  returnId,
  number: state.orderNumber,
  customerId: state.customerId,
  lines,
  amount: moneyOf(
    state,
    lines.reduce((sum, it) => sum + it.amount.amount, 0),
  ),
});
