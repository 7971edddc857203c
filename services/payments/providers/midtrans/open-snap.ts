/** Opens a Snap page for a payment. */
import type { Money } from "../../../../broker/contract/schemas.ts";
import { type OpenedPayment, type PaymentIntent, ProviderRefused } from "../provider.ts";
import { toWhole } from "../support/amounts.ts";
import { returnAddress } from "../support/return-address.ts";
import type { MidtransApi } from "./api.ts";
import { midtransTime } from "./transaction.ts";

const MINUTE_MS = 60_000;
/** Minimum and maximum lifetime of Snap's pages. */
const PAGE_MINUTES = { least: 5, most: 7 * 24 * 60 };
/** Pages whose address was lost. More of them mean that something else is wrong. */
const MAX_LOST = 5;

interface Opening {
  /** Milliseconds since the epoch. */
  now: number;
  /** Address for Midtrans' notifications. */
  notify: string;
  /** The customer's, where Midtrans gets it. */
  email: string | undefined;
}

/**
 * The payment's id is the order id, which Midtrans accepts once. So at most one page per payment is ever shown. A
 * repeated opening gets the same page by its idempotency key. When Midtrans has forgotten the key, the page's address
 * is lost. If the customer never saw that page, one under `<id>-2` replaces it. Otherwise it is in use.
 */
export async function openSnap(
  api: MidtransApi,
  intent: PaymentIntent,
  { now, notify, email }: Opening,
  signal: AbortSignal,
): Promise<OpenedPayment> {
  const { paymentId, orderNumber, amount, expiresAt, returnUrl } = intent;
  const gross = rupiah(amount);
  const minutes = Math.floor((expiresAt.getTime() - now) / MINUTE_MS);
  if (minutes < 1) throw new ProviderRefused("too little time is left to pay");
  for (let attempt = 1; attempt <= MAX_LOST; attempt++) {
    const orderId = attempt === 1 ? paymentId : `${paymentId}-${attempt}`;
    const opened = await api.open(
      {
        transaction_details: { order_id: orderId, gross_amount: gross },
        item_details: [{ id: orderNumber, price: gross, quantity: 1, name: `Order ${orderNumber}` }],
        ...(email !== undefined && { customer_details: { email } }),
        credit_card: { secure: true },
        // One address for all ends: Midtrans adds its own parameters. Without it, the account's settings count.
        ...(returnUrl !== null && { callbacks: { finish: returnAddress(returnUrl, intent) } }),
        expiry: { start_time: `${midtransTime(now)} +0700`, unit: "minutes", duration: minutes },
        page_expiry: {
          unit: "minutes",
          duration: Math.min(Math.max(minutes, PAGE_MINUTES.least), PAGE_MINUTES.most),
        },
      },
      { "idempotency-key": orderId, "x-override-notification": notify },
      signal,
    );
    if (opened !== "used")
      return { providerRef: orderId, nextAction: { type: "redirect", url: opened.redirectUrl }, expiresAt };
    // The customer is already on that page, from an earlier run.
    if (await api.status(orderId, signal)) return { providerRef: orderId, nextAction: null, expiresAt };
  }
  throw new ProviderRefused("midtrans has opened this payment too often");
}

/** @throws {ProviderRefused} for an amount that is not whole rupiah */
export function rupiah(money: Money): number {
  if (money.currency !== "IDR") throw new ProviderRefused(`midtrans takes IDR only, not ${money.currency}`);
  const whole = toWhole(money);
  if (!whole) throw new ProviderRefused("midtrans takes whole rupiah only, one at least");
  return whole;
}
