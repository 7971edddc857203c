/** Variables of orders and checkout. */

import { type ConfigOf, defineConfig, duration, whole } from "../../broker/contract/variables.ts";

export const ordersConfig = defineConfig({
  ORDER_TTL: duration(30 * 60_000).describe("Time to pay an order before it expires"),
  MAX_OPEN_ORDERS: whole(1, 1_000)
    .default(3)
    .describe("Maximum number of one customer's orders that wait for payment"),
  MAX_OPEN_QUANTITY: whole(1, 1_000_000)
    .default(1_000)
    .describe("Maximum number of units held by one customer's orders that wait for payment"),
});

declare module "../../broker/moleculer/config.ts" {
  interface Config extends ConfigOf<typeof ordersConfig> {}
}
