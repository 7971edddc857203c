/**
 * What is known of one order: one part for each of its events. A part is written once and never changes, so the same
 * event applied twice, and events in any order, make the same record. Pure.
 */
import type { MessageType } from "../../../broker/contract/contract.ts";
import type { Message } from "../../../broker/contract/envelope.ts";

export interface Money {
  amount: number;
  currency: string;
}

export interface SoldLine {
  /** Null in orders of early versions. */
  productId: string | null;
  name: string;
  quantity: number;
  total: number;
}

/** Something that happened to money of the order. */
export interface Movement extends Money {
  at: string;
}

export interface PaidPart {
  at: string;
  country: string;
  currency: string;
  lines: SoldLine[];
  /** Basis points, as the shop's tax was when this was first recorded. */
  taxRate: number;
}

export interface OrderParts {
  placed?: { at: string };
  paid?: PaidPart;
  /** By the payments' ids. */
  captures?: Record<string, Movement>;
  /** By the refunds' ids. */
  refunds?: Record<string, Movement>;
}

/** A part of an order's record, or of a stock-out. */
export type Part =
  | { of: "order"; id: string; path: string; value: unknown }
  | { of: "stock"; sku: string; revision: number; path: "from" | "until"; value: string };

export const RECORDED = [
  "order.placed",
  "order.paid",
  "payment.captured",
  "payment.refunded",
  "stock.depleted",
  "stock.replenished",
] as const satisfies readonly MessageType[];

type Recorded = Message<(typeof RECORDED)[number]>;

/** @returns null for an event that changes no figure */
export function partOf(message: Recorded, taxRate: number): Part | null {
  const { subject: id, time } = message;
  switch (message.type) {
    case "order.placed":
      return { of: "order", id, path: "placed", value: { at: time } };
    case "order.paid":
      return { of: "order", id, path: "paid", value: paidPart(message, taxRate) };
    case "payment.captured": {
      const { paymentId, amount, bookedAt } = message.data;
      return { of: "order", id, path: `captures.${paymentId}`, value: { ...amount, at: bookedAt ?? time } };
    }
    case "payment.refunded": {
      const { refundId, amount, bookedAt } = message.data;
      // An order is also told of a refund of nothing, when everything was given back before.
      if (amount.amount === 0) return null;
      return { of: "order", id, path: `refunds.${refundId}`, value: { ...amount, at: bookedAt ?? time } };
    }
    case "stock.depleted":
      return { of: "stock", sku: id, revision: message.data.revision, path: "from", value: time };
    case "stock.replenished":
      // Revisions count both events, so it ends the stock-out of the one before.
      return { of: "stock", sku: id, revision: message.data.revision - 1, path: "until", value: time };
  }
}

const paidPart = ({ data, time }: Message<"order.paid">, taxRate: number): PaidPart => ({
  at: time,
  country: data.shippingAddress.country,
  currency: data.total.currency,
  lines: data.lines.map(({ productId = null, name, quantity, total }) => ({
    productId,
    name,
    quantity,
    total: total.amount,
  })),
  taxRate,
});
