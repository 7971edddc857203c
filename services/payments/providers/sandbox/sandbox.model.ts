/** What the sandbox, as a provider of its own, knows of a payment; one document each. */
import type { Collection } from "mongodb";
import type { Connection } from "mongoose";

export type SandboxStatus = "pending" | "captured" | "failed" | "expired" | "cancelled";

export interface SandboxPayment {
  /** The reference, which can't be guessed. */
  _id: string;
  /** The shop's reference. */
  paymentId: string;
  orderNumber: string;
  /** What the shop asked for, minor units. */
  amount: number;
  currency: string;
  status: SandboxStatus;
  createdAt: Date;
  expiresAt: Date;
  decision?: Decision;
  refunds: { id: string; amount: number; at: Date }[];
  /** Sum of `refunds`. */
  refunded: number;
  /** The webhook that has not arrived yet. */
  delivery?: Delivery;
  /** When a node may next take the delivery on; while one has it, when its claim lapses. Indexed. */
  deliverAt?: Date;
}

/** How the payment ended, as the webhook tells it. */
export interface Decision {
  eventId: string;
  at: Date;
  /** The customer paid this instead of the right amount. */
  amount?: number;
  receipt: string | null;
  reason: string | null;
}

export interface Delivery {
  /** Copies still to be delivered. */
  left: number;
  /** Rounds that failed since the last that worked. */
  failures: number;
}

/** What a captured payment took, minor units. */
export const taken = (it: SandboxPayment): number => it.decision?.amount ?? it.amount;

export const COLLECTION = "sandbox_payments";

export const sandboxPayments = (database: Connection): Collection<SandboxPayment> =>
  database.getClient().db(database.name).collection<SandboxPayment>(COLLECTION);
