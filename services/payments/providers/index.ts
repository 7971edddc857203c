/** The payment providers that Souk brings, one line each. What a provider's folder has: define-provider.ts. */
export { midtrans } from "./midtrans/midtrans.ts";
export { mpesa } from "./mpesa/mpesa.ts";
export { paypal } from "./paypal/paypal.ts";
export { sandbox } from "./sandbox/sandbox.ts";
export { stripe } from "./stripe/stripe.ts";
export { xendit } from "./xendit/xendit.ts";
