/** Variables of returns. */
import { type ConfigOf, defineConfig, duration } from "../../broker/contract/variables.ts";

export const returnsConfig = defineConfig({
  RETURN_WINDOW: duration(30 * 86_400_000).describe(
    "Time after its delivery in which a customer may ask to return an order",
  ),
  RETURN_TTL: duration(30 * 86_400_000).describe(
    "Time to send goods back after their return was approved, before the return expires",
  ),
});

declare module "../../broker/moleculer/config.ts" {
  interface Config extends ConfigOf<typeof returnsConfig> {}
}
