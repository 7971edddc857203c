import { type ConfigOf, defineConfig, whole } from "souk";

export const loyaltyConfig = defineConfig({
  LOYALTY_MINOR_UNITS_PER_POINT: whole(1, 1_000_000)
    .default(100)
    .describe("What an order must cost for each point that it earns, in minor units of the currency"),
});

declare module "souk" {
  interface Config extends ConfigOf<typeof loyaltyConfig> {}
}
