/** Variables of accounts and sessions. */
import { z } from "zod";
import { type ConfigOf, defineConfig, duration, secret } from "../../broker/contract/variables.ts";

export const usersConfig = defineConfig(
  {
    ACCESS_TOKEN_TTL: duration(15 * 60_000)
      .refine((it) => it <= 15 * 60_000, "must be at most 15m")
      .describe("Lifetime of access tokens, at most 15m"),
    REFRESH_TOKEN_TTL: duration(30 * 86_400_000).describe("Lifetime of a session"),
    BOOTSTRAP_TOKEN: secret
      .optional()
      .describe("Creates the first admin; unless set, a generated one is printed, but none in production"),
    JWT_PRIVATE_KEY: z
      .string()
      .startsWith("-----BEGIN", "must be a PEM private key")
      .optional()
      .describe("ES256 key in PEM (PKCS 8); kept in the users database unless set"),
    STAFF_MFA: z
      .enum(["required", "optional"])
      .default("optional")
      .describe("`required`: staff without a second factor have the rights of a customer, and may enrol"),
    SEALING_KEY: secret
      .optional()
      .describe(
        "Seals secrets of second factors; a key is generated and kept in the users database unless set",
      ),
    JWT_KEY_ROTATION: duration(90 * 86_400_000)
      .refine((it) => it >= 86_400_000, "must be at least 1d")
      .describe("After this time a new key signs access tokens, where the shop keeps the keys"),
  },
  ["BOOTSTRAP_TOKEN", "JWT_PRIVATE_KEY", "SEALING_KEY"],
);

declare module "../../broker/moleculer/config.ts" {
  interface Config extends ConfigOf<typeof usersConfig> {}
}
