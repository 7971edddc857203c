/** What of a provider's settings has no place in a shop that takes real money. */
import { BlockList, isIP } from "node:net";
import { ConfigError } from "../../../broker/contract/variables.ts";

const thisMachine = new BlockList();
thisMachine.addSubnet("127.0.0.0", 8);
thisMachine.addSubnet("0.0.0.0", 8);
thisMachine.addSubnet("::1", 128, "ipv6");
thisMachine.addSubnet("::", 128, "ipv6");
thisMachine.addSubnet("::ffff:127.0.0.0", 104, "ipv6");

/** Hosts at which a provider is used without money moving. */
const TEST_HOST = /(?:^|[.-])sandbox[.-]/;

/**
 * An address of a provider that is plain HTTP or on this machine is an emulator's: whoever reaches it decides who has paid.
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
 * Names of variables that are of a provider's test mode: right for a shop that is being tried, and no other.
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
