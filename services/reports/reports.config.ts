/** Variables of reports. */
import { z } from "zod";
import { type ConfigOf, defineConfig } from "../../broker/contract/variables.ts";

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone !== "";
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

export const reportsConfig = defineConfig({
  REPORTS_TIME_ZONE: z
    .string()
    .refine(isTimeZone, "must be an IANA time zone")
    .default("UTC")
    .describe(
      "Time zone of a day in reports, for example Africa/Nairobi; after a change, souk reports rebuild counts earlier days anew",
    ),
});

declare module "../../broker/moleculer/config.ts" {
  interface Config extends ConfigOf<typeof reportsConfig> {}
}
