/** The public address of the gateway. */
const ANY_ADDRESS = new Set(["0.0.0.0", "::", "[::]"]);

interface Addresses {
  readonly PUBLIC_URL?: string | undefined;
  readonly HOST: string;
  readonly PORT: number;
}

/** `PUBLIC_URL`, else made from HOST and PORT. Without a slash at the end. */
export function publicUrl({ PUBLIC_URL, HOST, PORT }: Addresses): string {
  if (PUBLIC_URL) return withoutLastSlashes(PUBLIC_URL);
  const host = ANY_ADDRESS.has(HOST) ? "127.0.0.1" : HOST;
  return `http://${host.includes(":") && !host.startsWith("[") ? `[${host}]` : host}:${PORT}`;
}

/** An address to which paths are appended. */
export function withoutLastSlashes(address: string): string {
  let end = address.length;
  while (address[end - 1] === "/") end--;
  return address.slice(0, end);
}
