/** Variables of orders and checkout. */

import { type ConfigOf, defineConfig, duration, whole } from "../../broker/contract/variables.ts";
import { returnOrigins } from "./return-url.ts";

export const ordersConfig = defineConfig({
  ORDER_TTL: duration(30 * 60_000).describe("Time to pay an order before it expires"),
  MAX_OPEN_ORDERS: whole(1, 1_000)
    .default(3)
    .describe(
      "Maximum number of one customer's orders that wait for payment by the customer; those that wait for a bank are not counted",
    ),
  MAX_OPEN_QUANTITY: whole(1, 1_000_000)
    .default(1_000)
    .describe("Maximum number of units held by one customer's orders that wait for payment"),
  MAX_OPEN_GUEST_ORDERS_PER_ADDRESS: whole(1, 10_000)
    .default(10)
    .describe("Maximum number of guests' orders from one network address that wait for payment"),
  RETURN_ORIGINS: returnOrigins
    .optional()
    .describe(
      "Origins of pages to which providers may send customers back after paying (returnUrl), separated by commas; that of PUBLIC_URL unless set",
    ),
});

declare module "../../broker/moleculer/config.ts" {
  interface Config extends ConfigOf<typeof ordersConfig> {}
}
