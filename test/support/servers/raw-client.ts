/** A connection over which bytes are written as they are, from an address of this machine's own choice. */
import { connect, type Socket } from "node:net";

export interface RawClient {
  readonly socket: Socket;
  /** All that has come so far. */
  text(): string;
  /** Status lines of the answers so far. */
  statuses(): number[];
  /** Resolves when the other side has closed, or the connection has broken. */
  readonly closed: Promise<void>;
  write(bytes: string | Buffer): void;
}

export interface RawClientOptions {
  /** One of 127.0.0.0/8. Each is another client for limits by address. */
  from?: string;
  /** Reads nothing that it is sent. */
  deaf?: boolean;
}

/** @param url where to connect to */
export async function rawClient(
  url: string,
  { from = "127.0.0.1", deaf = false }: RawClientOptions = {},
): Promise<RawClient> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), localAddress: from });
  const chunks: Buffer[] = [];
  // A broken connection closes, which is what matters.
  socket.on("error", () => undefined);
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  if (deaf) socket.pause();
  else socket.on("data", (chunk) => chunks.push(chunk));
  await new Promise<void>((resolve) => {
    socket.once("connect", resolve);
    socket.once("close", () => resolve());
  });
  const text = () => Buffer.concat(chunks).toString();
  return {
    socket,
    closed,
    text,
    statuses: () => [...text().matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status)),
    write: (bytes) => void socket.write(bytes),
  };
}

export interface Request {
  method?: string;
  path: string;
  headers?: Record<string, string>;
  body?: string;
}

/** A request as bytes. Its length is said unless `headers` say something about it. */
export function bytesOf({ method = "GET", path, headers = {}, body }: Request): string {
  const all = {
    Host: "shop.test",
    ...(body === undefined
      ? {}
      : { "Content-Type": "application/json", "Content-Length": String(Buffer.byteLength(body)) }),
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join("")}\r\n${body ?? ""}`;
}
