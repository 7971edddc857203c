/**
 * Shares of an amount. The amount need not be a multiple of its units. So a share is taken from what is left, and the last
 * share is all that is left: shares of all units together are exactly the amount.
 */
export interface Units {
  readonly quantity: number;
  /** Of all of them, in minor units. */
  readonly amount: number;
}

/** The amount of `quantity` of these units, rounded down; all of them have the whole amount. */
export function shareOf({ quantity: all, amount }: Units, quantity: number): number {
  if (quantity >= all) return amount;
  // amount × quantity may exceed 2^53.
  return Number((BigInt(amount) * BigInt(quantity)) / BigInt(all));
}
