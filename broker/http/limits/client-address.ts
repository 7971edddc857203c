/** The network address of a request: the peer, or the client that trusted proxies name in X-Forwarded-For. */
import type { IncomingMessage } from "node:http";
import { isIP, type Socket } from "node:net";
import { canonicalAddress } from "./address.ts";

/**
 * Each proxy appends the address of its own client. So only entries from the right are reliable: the client wrote the
 * rest. Without an entry, the result is the peer's address. It is canonical, so that it can be a key.
 * @param hops trusted proxies between clients and this gateway; 0 ignores the header
 */
export function clientAddress(
  { headers, socket }: Pick<IncomingMessage, "headers" | "socket">,
  hops: number,
): string {
  const peer = peerOf(socket);
  const header = headers["x-forwarded-for"];
  if (hops === 0 || header === undefined) return peer;
  const chain = String(header).split(",");
  return addressOf(chain[Math.max(0, chain.length - hops)] ?? "") ?? peer;
}

const peers = new WeakMap<Socket, string>();

/** A connection has the same peer for all its requests. */
function peerOf(socket: Socket): string {
  const known = peers.get(socket);
  if (known !== undefined) return known;
  const peer = canonicalAddress(socket.remoteAddress ?? "");
  if (peer !== "") peers.set(socket, peer);
  return peer;
}

const WITH_PORT = /^(?:\[([^\]]+)\](?::\d+)?|(\d+\.\d+\.\d+\.\d+):\d+)$/;

/** Some proxies append the port, and write IPv6 in brackets. */
function addressOf(entry: string): string | undefined {
  const text = entry.trim();
  const [, v6, v4] = WITH_PORT.exec(text) ?? [];
  const address = v6 ?? v4 ?? text;
  return isIP(address) === 0 ? undefined : canonicalAddress(address);
}
