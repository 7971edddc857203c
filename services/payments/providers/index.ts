/** Souk's payment providers, one line each. define-provider.ts explains a provider's folder. */
export { midtrans } from "./midtrans/midtrans.ts";
export { mpesa } from "./mpesa/mpesa.ts";
export { paypal } from "./paypal/paypal.ts";
export { sandbox } from "./sandbox/sandbox.ts";
export { stripe } from "./stripe/stripe.ts";
export { xendit } from "./xendit/xendit.ts";
