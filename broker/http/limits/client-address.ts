/** Whose request it is, by network address: the peer, or whom trusted proxies name in X-Forwarded-For. */
import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";
import { canonicalAddress } from "./address.ts";

/**
 * Each proxy appends the address that it was asked from, so only entries from the right can be relied on: whatever
 * stands to the left of them was written by the client. The peer's address where the header names none.
 * Each address has one spelling, so that it can be a key.
 * @param hops trusted proxies between clients and this gateway; 0 ignores the header
 */
export function clientAddress(
  { headers, socket }: Pick<IncomingMessage, "headers" | "socket">,
  hops: number,
): string {
  const peer = canonicalAddress(socket.remoteAddress ?? "");
  const header = headers["x-forwarded-for"];
  if (hops === 0 || header === undefined) return peer;
  const chain = String(header).split(",");
  return addressOf(chain[Math.max(0, chain.length - hops)] ?? "") ?? peer;
}

const WITH_PORT = /^(?:\[([^\]]+)\](?::\d+)?|(\d+\.\d+\.\d+\.\d+):\d+)$/;

/** Some proxies append the port, and write IPv6 in brackets. */
function addressOf(entry: string): string | undefined {
  const text = entry.trim();
  const [, v6, v4] = WITH_PORT.exec(text) ?? [];
  const address = v6 ?? v4 ?? text;
  return isIP(address) === 0 ? undefined : canonicalAddress(address);
}
