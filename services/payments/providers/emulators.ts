/** The emulators of payment providers, by the provider's name. One line each. */
import type { StartEmulator } from "./emulator.ts";
import { startMidtrans } from "./midtrans/emulator/midtrans.ts";
import { startMpesa } from "./mpesa/emulator/mpesa.ts";
import { startPayPal } from "./paypal/emulator/paypal.ts";
import { startStripe } from "./stripe/emulator/stripe.ts";
import { startXendit } from "./xendit/emulator/xendit.ts";

export const emulators: Readonly<Record<string, StartEmulator>> = {
  stripe: startStripe,
  paypal: startPayPal,
  midtrans: startMidtrans,
  xendit: startXendit,
  mpesa: startMpesa,
};
