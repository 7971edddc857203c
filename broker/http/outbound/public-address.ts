/**
 * Which addresses of others the shop posts to, for webhooks and web push. Others choose the address, but the request
 * comes from inside: it must not reach what only insiders reach.
 */
import { BlockList, isIP } from "node:net";
import ipaddr from "ipaddr.js";

/** What is not public, though ipaddr.js has no name for it. */
const others = new BlockList();
// IPv4 addresses written as IPv6 ones, as in `::127.0.0.1`.
others.addSubnet("::", 96, "ipv6");
// NAT64 of one's own network.
others.addSubnet("64:ff9b:1::", 48, "ipv6");
// Site-local addresses of early IPv6.
others.addSubnet("fec0::", 10, "ipv6");
// For documentation.
others.addSubnet("3fff::", 20, "ipv6");
// Segment routing.
others.addSubnet("5f00::", 16, "ipv6");

/** Whether an IP address is one of the public Internet. */
export function isPublicAddress(address: string): boolean {
  const version = isIP(address);
  if (version === 0) return false;
  // Public addresses have no zone.
  if (address.includes("%")) return false;
  if (ipaddr.parse(address).range() !== "unicast") return false;
  return !others.check(address, version === 6 ? "ipv6" : "ipv4");
}

/** Names that never mean a public host. */
const INSIDE = /(?:^|\.)(?:localhost|local|internal|intranet|lan|home\.arpa)$/;

/** Ports of other protocols are below it. */
const FIRST_FREE_PORT = 1024;

export interface AddressRules {
  /** Plain HTTP, and private addresses. */
  readonly allowPrivate: boolean;
  readonly production: boolean;
}

/** The URL's host as an IP address, or a name. WHATWG's parser has brought `0x7f.1` and `2130706433` into usual form. */
const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[|\]$/g, "").replace(/\.$/, "");

/** @returns why nothing must be sent there, as far as the address itself shows it */
export function urlError(given: string, { allowPrivate, production }: AddressRules): string | undefined {
  if (!URL.canParse(given)) return "must be an address like https://example.com/souk";
  const url = new URL(given);
  if (url.protocol !== "https:" && url.protocol !== "http:") return "must begin with https://";
  if (url.protocol === "http:" && production) return "must begin with https://";
  if (url.username !== "" || url.password !== "") return "must have no user name or password";
  if (url.hash !== "") return "must have no fragment";
  if (allowPrivate) return undefined;
  const host = hostOf(url);
  if (isIP(host) === 0 ? INSIDE.test(host) || !host.includes(".") : !isPublicAddress(host))
    return "must be the address of a public host";
  const port = Number(url.port || 443);
  if (port !== 443 && port !== 80 && port < FIRST_FREE_PORT)
    return "must have port 80, 443, or one from 1024";
  return undefined;
}

/** Whether the host is an IP address that must not be reached. A name is checked when it is resolved. */
export function isPrivateHost(url: URL): boolean {
  const host = hostOf(url);
  return isIP(host) !== 0 && !isPublicAddress(host);
}
