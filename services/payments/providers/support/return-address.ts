/** Addresses to which a provider's page sends the customer back. */
import type { PaymentIntent } from "../provider.ts";

/** What the customer has done, as far as the provider's page knows. */
export type ReturnOutcome = "succeeded" | "failed" | "cancelled";

/** The page of this shop for customers who come back, where no other was named. */
export const returnPage = (publicUrl: string): string => `${publicUrl}/api/v1/payments/return`;

/**
 * The page, with the order's id and the outcome. They only tell the page what to show: anybody can write such an
 * address, so they never say that something is paid.
 * @param outcome left out where the provider has one address for all
 */
export function returnAddress(
  page: string,
  { orderId }: Pick<PaymentIntent, "orderId">,
  outcome?: ReturnOutcome,
): string {
  const url = new URL(page);
  url.searchParams.set("orderId", orderId);
  if (outcome) url.searchParams.set("outcome", outcome);
  return url.href;
}
