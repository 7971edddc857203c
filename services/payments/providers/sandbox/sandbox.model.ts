/** The sandbox's own data of a payment, as a provider would have it. One document each. */
import type { Collection } from "mongodb";
import type { Connection } from "mongoose";
import type { Money } from "../../../../broker/contract/schemas.ts";

export type SandboxStatus = "pending" | "processing" | "captured" | "failed" | "expired" | "cancelled";

export interface SandboxPayment {
  /** The unguessable reference. */
  _id: string;
  /** The shop's reference. */
  paymentId: string;
  orderNumber: string;
  /** Pages of the shop for customers who have paid, and for those who have not. Missing in earlier documents. */
  back?: { succeeded: string; failed: string };
  /** The requested amount, minor units. */
  amount: number;
  currency: string;
  status: SandboxStatus;
  createdAt: Date;
  expiresAt: Date;
  decision?: Decision;
  refunds: { id: string; amount: number; at: Date }[];
  /** Sum of `refunds`. */
  refunded: number;
  /** The webhook that is not delivered yet. */
  delivery?: Delivery;
  /** When a node may next claim the delivery. While one node has it, the expiry of its claim. Indexed. */
  deliverAt?: Date;
}

/** The outcome of the payment, as in the webhook. A bank that is slow decides twice: that, and how it ends. */
export interface Decision {
  eventId: string;
  at: Date;
  /** The amount that the customer paid instead of the right one. */
  amount?: number;
  /** What the provider has added for itself. */
  fee?: number;
  receipt: string | null;
  reason: string | null;
}

export interface Delivery {
  /** Copies still to be delivered. */
  left: number;
  /** Failed rounds since the last success. */
  failures: number;
}

/** The captured amount, minor units, without the fee. */
export const taken = (it: SandboxPayment): number => it.decision?.amount ?? it.amount;

/** What the customer has paid, and the fee in it, in the form of reports. */
export function figuresOf(it: SandboxPayment): { amount: Money; fee?: Money } {
  const { currency, decision } = it;
  const fee = decision?.fee ?? 0;
  return {
    amount: { amount: taken(it) + fee, currency },
    ...(fee > 0 && { fee: { amount: fee, currency } }),
  };
}

export const COLLECTION = "sandbox_payments";

export const sandboxPayments = (database: Connection): Collection<SandboxPayment> =>
  database.getClient().db(database.name).collection<SandboxPayment>(COLLECTION);
