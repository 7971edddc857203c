/** Addresses of RabbitMQ: one, or several nodes of one cluster, separated by commas. */

const HOST = /^[\w.:[\]-]+$/;

/** The addresses in the order given. A comma in a password is written `%2C`. */
export const amqpAddresses = (text: string): string[] => text.split(",").map((it) => it.trim());

/**
 * The same addresses with this heartbeat.
 * @throws TypeError where an address is not a URL
 */
export const addressesWithHeartbeat = (text: string, seconds: number): URL[] =>
  amqpAddresses(text).map((it) => {
    const url = new URL(it);
    url.searchParams.set("heartbeat", String(seconds));
    return url;
  });

/** Describes what is wrong with the text, without its secrets. Undefined where nothing is wrong. */
export function addressError(text: string): string | undefined {
  const addresses = amqpAddresses(text);
  if (!addresses.every(isAddress))
    return "must be amqp:// or amqps:// and an address, or several of them separated by commas";
  if (new Set(addresses.map(virtualHost)).size > 1) return "must name the same virtual host in every address";
  return undefined;
}

/** `/` unless the address names another virtual host. */
export const virtualHost = (address: string): string =>
  decodeURIComponent(new URL(address).pathname.slice(1)) || "/";

function isAddress(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, pathname } = new URL(text);
  if (!["amqp:", "amqps:"].includes(protocol) || !HOST.test(hostname)) return false;
  try {
    decodeURIComponent(pathname);
    return true;
  } catch {
    return false;
  }
}
