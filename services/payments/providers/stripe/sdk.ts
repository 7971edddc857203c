/** Stripe's SDK, loaded when it is first used. A shop without Stripe saves its 6 MB of memory. */
import { createRequire } from "node:module";
import type Stripe from "stripe";

const require = createRequire(import.meta.url);

export const stripeSdk = (): typeof Stripe => require("stripe") as typeof Stripe;
