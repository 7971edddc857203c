/** A transaction as in Midtrans' answers and notifications. */
import { z } from "zod";

const code = z.string().max(50);
/** A rupiah amount, as "10000.00". */
const decimal = z.string().regex(/^\d{1,13}(\.\d{1,4})?$/);
/** In Midtrans' time zone, see {@link instant}. */
const time = z.string().regex(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/);

const refund = z.object({
  refund_chargeback_id: z.union([z.int(), z.string().max(100)]).optional(),
  refund_amount: decimal,
  /** The merchant's, or made by Midtrans for a refund from its dashboard. */
  refund_key: z.string().max(200).optional(),
  reason: z.string().max(500).nullish(),
});

const figure = z.union([decimal, z.int().nonnegative().transform(String)]);
/**
 * For a shop that lets customers pay Midtrans' fee ("Automatic Fee Imposition"), `gross_amount` is what was asked, and
 * the fee. Midtrans writes the parts as text or as numbers. What can't be read declares nothing.
 */
const grossInfo = z
  .object({
    gross_amount_info: z.object({
      original_amount: figure,
      customer_imposed_payment_fee: figure.optional(),
    }),
  })
  .optional()
  .catch(undefined);

/** Unknown members are dropped. */
export const transaction = z.object({
  order_id: z.string().min(1).max(50),
  transaction_id: z.string().min(1).max(60),
  transaction_status: code,
  status_code: z.string().regex(/^\d{3}$/),
  fraud_status: code.optional(),
  payment_type: code.optional(),
  gross_amount: decimal,
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/)
    .default("IDR"),
  transaction_time: time,
  settlement_time: time.optional(),
  status_message: z.string().max(500).optional(),
  channel_response_message: z.string().max(500).optional(),
  refunds: z.array(refund).max(200).default([]),
  extra_info: grossInfo,
  metadata: z.object({ extra_info: grossInfo }).nullish().catch(undefined),
});
export type Transaction = z.output<typeof transaction>;

const OFFSET_MS = 7 * 3_600_000;

/** Midtrans writes GMT+7 without a zone. */
export const instant = (text: string): Date => new Date(`${text.replace(" ", "T")}+07:00`);

/** @param at milliseconds since the epoch */
export const midtransTime = (at: number): string =>
  new Date(at + OFFSET_MS).toISOString().slice(0, 19).replace("T", " ");
