/** Order numbers are unique through one document each, `order_numbers`, so that orders can be sharded by `_id`. */
import type { Collection } from "mongodb";
import type { Connection } from "mongoose";
import { writeGroup } from "../../../broker/mongo/write-group.ts";
import { orderNumber } from "../order/order-number.ts";

const ORDER_NUMBERS = "order_numbers";

export interface OrderNumberDocument {
  /** The number. */
  _id: string;
  /** Id of its order. */
  order: string;
}

/**
 * Gives an order its number: the first of its candidates that no other order has. Repeated calls give the same
 * number.
 */
export type ClaimNumber = (orderId: string) => Promise<string>;

const MAX_TRIES = 10;

/** @param numberOf the `attempt`th number of an order, counted from 0 */
export function createNumberClaim(database: Connection, numberOf = orderNumber): ClaimNumber {
  const numbers: Collection<OrderNumberDocument> = database
    .getClient()
    .db(database.name)
    .collection(ORDER_NUMBERS);
  const writes = writeGroup(numbers);

  return async (orderId) => {
    for (let attempt = 0; attempt < MAX_TRIES; attempt++) {
      const number = numberOf(orderId, attempt);
      if (await writes.insertNew({ _id: number, order: orderId })) return number;
      if ((await numbers.findOne({ _id: number }))?.order === orderId) return number;
    }
    throw new Error(`order ${orderId} finds no number that is free`);
  };
}
