/** Canonical network addresses, and which part of them identifies a caller. */
import { isIPv4, isIPv6 } from "node:net";

/** An IPv4 address in IPv6 form, as dual-stack sockets report it. Canonical IPv6 has the last 32 bits in hex. */
const MAPPED = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/;

/**
 * RFC 5952's form of an IPv6 address (lower case, shortest), without a zone. An IPv4-mapped address becomes plain
 * IPv4. Text that is no address is returned unchanged.
 */
export function canonicalAddress(ip: string): string {
  if (!isIPv6(ip)) return ip;
  const [bare = ""] = ip.split("%");
  const canonical = new URL(`http://[${bare}]`).hostname.slice(1, -1);
  const [, high, low] = MAPPED.exec(canonical) ?? [];
  if (high === undefined || low === undefined) return canonical;
  const bits = Number.parseInt(high, 16) * 0x1_0000 + Number.parseInt(low, 16);
  return [24, 16, 8, 0].map((shift) => (bits >>> shift) & 0xff).join(".");
}

/** The key of an address. A whole IPv6 /64 counts as one, because one caller can use all of it. */
export function addressKey(ip: string): string {
  const canonical = canonicalAddress(ip);
  if (isIPv4(canonical) || !isIPv6(canonical)) return canonical;
  const [head = "", tail] = canonical.split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail ? tail.split(":") : [];
  const zeroes = tail === undefined ? [] : Array<string>(8 - left.length - right.length).fill("0");
  const prefix = [...left, ...zeroes, ...right].slice(0, 4);
  return `${prefix.join(":")}::/64`;
}
