/** Variables of carts. */

import { type ConfigOf, defineConfig, duration } from "../../broker/contract/variables.ts";

export const cartConfig = defineConfig({
  CART_TTL: duration(7 * 86_400_000).describe("Time until an unchanged cart expires"),
});

declare module "../../broker/moleculer/config.ts" {
  interface Config extends ConfigOf<typeof cartConfig> {}
}
