/** Providers of OpenID Connect, by their variables. What a provider tells about itself is asked for at first use. */
import type { Configuration } from "openid-client";
import { SoukError } from "../../../broker/contract/errors.ts";
import { redactedReason } from "../../../broker/contract/secrets/redact.ts";
import { ConfigError } from "../../../broker/contract/variables.ts";
import type { Config } from "../../../broker/moleculer/config.ts";
import type { Clock } from "../../../broker/resilience/clock.ts";
import type { Log } from "../../../broker/resilience/log.ts";
import { rateLimitedLog } from "../../../broker/resilience/rate-limited-log.ts";
import { type SharedValue, sharedValue } from "../../../broker/resilience/single-flight.ts";
import type { OidcProvider } from "../users.config.ts";

const KEEP_MS = 3_600_000;
const TIMEOUT_S = 5;
const LOOPBACK = new Set(["127.0.0.1", "localhost", "[::1]"]);

export interface Provider {
  readonly name: string;
  readonly scopes: string;
  /** @throws {SoukError} UNAVAILABLE when the provider does not answer */
  configuration(): Promise<Configuration>;
}

export interface Providers {
  /** @throws {SoukError} SIGN_IN_REFUSED for one that is not on */
  named(name: string): Provider;
}

/** @throws {ConfigError} when one that is on lacks a variable */
export function createProviders(config: Config, clock: Clock, log: Log): Providers {
  const all = new Map(config.OIDC_PROVIDERS.map((it) => [String(it), providerOf(it, config, clock, log)]));
  return {
    named(name) {
      const found = all.get(name);
      if (!found) throw new SoukError("SIGN_IN_REFUSED", "There is no such provider.");
      return found;
    },
  };
}

function providerOf(name: OidcProvider, config: Config, clock: Clock, log: Log): Provider {
  const prefix = `OIDC_${name.toUpperCase() as Uppercase<OidcProvider>}` as const;
  const issuer = config[`${prefix}_ISSUER`];
  const clientId = config[`${prefix}_CLIENT_ID`];
  if (!issuer) throw new ConfigError(`${prefix}_ISSUER: is needed where OIDC_PROVIDERS has ${name}`);
  if (!clientId) throw new ConfigError(`${prefix}_CLIENT_ID: is needed where OIDC_PROVIDERS has ${name}`);
  const server = new URL(issuer);
  const isLocal = server.protocol === "http:" && LOOPBACK.has(server.hostname);
  if (server.protocol === "http:" && !isLocal)
    throw new ConfigError(`${prefix}_ISSUER: must be https, except on this machine`);
  const discovered: SharedValue<Configuration> = sharedValue(
    async () => {
      const client = await import("openid-client");
      const found = await client.discovery(server, clientId, config[`${prefix}_CLIENT_SECRET`], undefined, {
        timeout: TIMEOUT_S,
        execute: isLocal ? [client.allowInsecureRequests] : [],
      });
      // The ID token's signature is checked too, and not the provider's certificate alone.
      client.enableNonRepudiationChecks(found);
      return found;
    },
    { clock, keepMs: () => KEEP_MS },
  );
  return {
    name,
    scopes: config[`${prefix}_SCOPES`],
    async configuration() {
      try {
        return await discovered.get();
      } catch (error) {
        rateLimitedLog(log).warn(`oidc ${name}`, "a provider of OpenID Connect does not answer", {
          provider: name,
          reason: redactedReason(error),
        });
        throw new SoukError("UNAVAILABLE", `${name} does not answer.`);
      }
    },
  };
}
