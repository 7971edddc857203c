/** The emulators of payment providers, by the provider's name. One line each. */
import type { StartEmulator } from "./emulator.ts";
import { startMidtrans } from "./midtrans/midtrans.ts";
import { startMpesa } from "./mpesa/mpesa.ts";
import { startPayPal } from "./paypal/paypal.ts";
import { startStripe } from "./stripe/stripe.ts";
import { startXendit } from "./xendit/xendit.ts";

export const emulators: Readonly<Record<string, StartEmulator>> = {
  stripe: startStripe,
  paypal: startPayPal,
  midtrans: startMidtrans,
  xendit: startXendit,
  mpesa: startMpesa,
};
