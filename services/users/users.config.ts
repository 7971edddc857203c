/** Variables of accounts and sessions. */
import { z } from "zod";
import { type ConfigOf, defineConfig, duration, secret, url } from "../../broker/contract/variables.ts";

/** Names of providers of OpenID Connect. Each has variables of its own. */
const oidcProvider = z.enum(["google", "keycloak", "other"]);
export type OidcProvider = z.output<typeof oidcProvider>;

const OIDC_SECRETS = [
  "OIDC_GOOGLE_CLIENT_SECRET",
  "OIDC_KEYCLOAK_CLIENT_SECRET",
  "OIDC_OTHER_CLIENT_SECRET",
] as const;

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
    OIDC_PROVIDERS: z
      .string()
      .default("")
      .transform((it) =>
        it
          .split(",")
          .map((name) => name.trim())
          .filter((name) => name !== ""),
      )
      .pipe(z.array(oidcProvider))
      .describe("Where people may sign in with an account of elsewhere: google, keycloak, other"),
    OIDC_GOOGLE_ISSUER: url("https", "http")
      .default("https://accounts.google.com")
      .describe("Google: its address as an issuer"),
    OIDC_GOOGLE_CLIENT_ID: z.string().max(500).optional().describe("Google: the shop's name there"),
    OIDC_GOOGLE_CLIENT_SECRET: z.string().max(500).optional().describe("Google: the shop's secret there"),
    OIDC_GOOGLE_SCOPES: z
      .string()
      .max(500)
      .default("openid email profile")
      .describe("Google: what is asked for"),
    OIDC_KEYCLOAK_ISSUER: url("https", "http").describe("Keycloak: its address as an issuer"),
    OIDC_KEYCLOAK_CLIENT_ID: z.string().max(500).optional().describe("Keycloak: the shop's name there"),
    OIDC_KEYCLOAK_CLIENT_SECRET: z.string().max(500).optional().describe("Keycloak: the shop's secret there"),
    OIDC_KEYCLOAK_SCOPES: z
      .string()
      .max(500)
      .default("openid email profile")
      .describe("Keycloak: what is asked for"),
    OIDC_OTHER_ISSUER: url("https", "http").describe("Another provider: its address as an issuer"),
    OIDC_OTHER_CLIENT_ID: z.string().max(500).optional().describe("Another provider: the shop's name there"),
    OIDC_OTHER_CLIENT_SECRET: z
      .string()
      .max(500)
      .optional()
      .describe("Another provider: the shop's secret there"),
    OIDC_OTHER_SCOPES: z
      .string()
      .max(500)
      .default("openid email profile")
      .describe("Another provider: what is asked for"),
    OIDC_RETURN_URL: url("https", "http").describe(
      "The shop's page that people come back to, with `code` and `provider`; /account/signed-in of PUBLIC_URL unless set",
    ),
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
  ["BOOTSTRAP_TOKEN", "JWT_PRIVATE_KEY", "SEALING_KEY", ...OIDC_SECRETS],
);

declare module "../../broker/moleculer/config.ts" {
  interface Config extends ConfigOf<typeof usersConfig> {}
}
