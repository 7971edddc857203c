/** Settings of a provider that a shop with real money must not use. */
import { BlockList, isIP } from "node:net";
import { ConfigError } from "../../../broker/contract/variables.ts";

const thisMachine = new BlockList();
thisMachine.addSubnet("127.0.0.0", 8);
thisMachine.addSubnet("0.0.0.0", 8);
thisMachine.addSubnet("::1", 128, "ipv6");
thisMachine.addSubnet("::", 128, "ipv6");
thisMachine.addSubnet("::ffff:127.0.0.0", 104, "ipv6");

/** Hosts of providers' test modes, where no money moves. */
const TEST_HOST = /(?:^|[.-])sandbox[.-]/;

/**
 * A provider's address that is plain HTTP or on this machine belongs to an emulator. Anyone who reaches it decides
 * what is paid.
 * @throws {ConfigError} that names the variable
 */
export function checkAddresses(variables: Readonly<Record<string, string | undefined>>): void {
  for (const [name, value = ""] of Object.entries(variables)) {
    const url = addressIn(value);
    if (url && (url.protocol === "http:" || isThisMachine(url.hostname)))
      throw new ConfigError(`${name}: must be the provider's own https:// address in production`);
  }
}

/**
 * Names of variables of a provider's test mode. They are right only for a shop that is being tried.
 * @param testKey matches the provider's keys of its test mode
 */
export const testVariables = (
  variables: Readonly<Record<string, string | undefined>>,
  testKey?: RegExp,
): string[] =>
  Object.entries(variables).flatMap(([name, value = ""]) =>
    testKey?.test(value) || TEST_HOST.test(addressIn(value)?.hostname ?? "") ? [name] : [],
  );

function addressIn(value: string): URL | undefined {
  return /^https?:/i.test(value) && URL.canParse(value) ? new URL(value) : undefined;
}

function isThisMachine(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, "").replace(/\.$/, "");
  const version = isIP(host);
  if (version === 0) return host === "localhost" || host.endsWith(".localhost");
  return thisMachine.check(host, version === 6 ? "ipv6" : "ipv4");
}
