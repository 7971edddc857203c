/** What we know of the prompts on customers' phones. Daraja can't be asked by our reference. */
import type { Collection } from "mongodb";
import type { Connection } from "mongoose";
import { ProviderRefused } from "../provider.ts";

export interface Push {
  /** The payment's id. */
  _id: string;
  /** The requested amount, KES in cents. The customer can't change it. */
  amount: number;
  /**
   * `sending`: a push is in progress, or its result is unknown. `refused`: there is none, and nothing was paid.
   * `accepted`: Safaricom's number is known.
   */
  state: "sending" | "refused" | "accepted";
  sentAt: Date;
  /** Safaricom's number, our provider reference. Indexed. */
  checkoutRequestId?: string;
  /** Safaricom's callback. It is not proven. It never has another amount than the requested one. */
  callback?: Callback;
  reversals: Reversal[];
}

export interface Callback {
  resultCode: string;
  resultDesc: string;
  /** KES in cents. Null unless it is paid. */
  amount: number | null;
  receipt: string | null;
  at: Date;
}

export interface Reversal {
  refundId: string;
  amount: number;
  reason: string;
  /** `pending` also where it is unknown whether Safaricom has accepted it. */
  status: "pending" | "succeeded" | "failed";
  /** Safaricom's id, once it has answered. */
  conversationId: string | null;
  failure: string | null;
}

const COLLECTION = "mpesa_pushes";

export const mpesaPushes = (database: Connection): Collection<Push> =>
  database.getClient().db(database.name).collection<Push>(COLLECTION);

/** @throws {ProviderRefused} for a reference that is not from this shop */
export async function pushOf(pushes: Collection<Push>, checkoutRequestId: string): Promise<Push> {
  const found = await pushes.findOne({ checkoutRequestId });
  if (!found) throw new ProviderRefused("unknown reference");
  return found;
}
