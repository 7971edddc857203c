/** What we know of the prompts on customers' phones: Daraja itself can't be asked by our reference. */
import type { Collection } from "mongodb";
import type { Connection } from "mongoose";
import { ProviderRefused } from "../provider.ts";

export interface Push {
  /** The payment's id. */
  _id: string;
  /** Asked for; KES in cents. The customer can't change it. */
  amount: number;
  /**
   * `sending`: a push is under way, or how it went is not known. `refused`: there is none, and none was paid. `accepted`:
   * Safaricom has told us its number.
   */
  state: "sending" | "refused" | "accepted";
  sentAt: Date;
  /** Safaricom's number, our provider reference. Indexed. */
  checkoutRequestId?: string;
  /** What Safaricom has called back with; told, not proven. Never another amount than was asked for. */
  callback?: Callback;
  reversals: Reversal[];
}

export interface Callback {
  resultCode: string;
  resultDesc: string;
  /** KES in cents; null unless it is paid. */
  amount: number | null;
  receipt: string | null;
  at: Date;
}

export interface Reversal {
  refundId: string;
  amount: number;
  reason: string;
  /** `pending` also where it is not known whether Safaricom has taken it on. */
  status: "pending" | "succeeded" | "failed";
  /** Safaricom's, once it has answered. */
  conversationId: string | null;
  failure: string | null;
}

export const COLLECTION = "mpesa_pushes";

export const mpesaPushes = (database: Connection): Collection<Push> =>
  database.getClient().db(database.name).collection<Push>(COLLECTION);

/** @throws {ProviderRefused} for a reference that is not of this shop */
export async function pushOf(pushes: Collection<Push>, checkoutRequestId: string): Promise<Push> {
  const found = await pushes.findOne({ checkoutRequestId });
  if (!found) throw new ProviderRefused("unknown reference");
  return found;
}
