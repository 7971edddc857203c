/** A TCP proxy in this process, for tests that cut, stall or refuse connections to a real server. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export interface TcpProxy {
  /** The given URL with this proxy's address instead. */
  via(url: string): string;
  readonly connections: number;
  /** Breaks the connections that there are; new ones are let through. */
  cut(): void;
  /** Nothing passes in either direction any more, without an error. Also for new connections. */
  stall(): void;
  resume(): void;
  /** Breaks connections and refuses new ones until {@link allow}. */
  refuse(): void;
  allow(): void;
  /** Sends bytes to the clients as if they came from the server. */
  inject(bytes: Buffer): void;
  close(): Promise<void>;
}

/** @param target URL of the server, e.g. `amqp://127.0.0.1:5672` */
export async function tcpProxy(target: string): Promise<TcpProxy> {
  const { hostname, port } = new URL(target);
  const pairs = new Set<readonly [client: Socket, server: Socket]>();
  let stalled = false;
  let refusing = false;

  const listener = createServer((client) => {
    if (refusing) {
      client.destroy();
      return;
    }
    const server = connect({ host: hostname, port: Number(port) });
    const pair = [client, server] as const;
    pairs.add(pair);
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      from.setNoDelay(true);
      from.on("data", (chunk) => {
        if (!to.write(chunk)) {
          from.pause();
          to.once("drain", () => stalled || from.resume());
        }
      });
      from.on("end", () => to.end());
      // The other side is closed below; an error here is always followed by `close`.
      from.on("error", () => to.destroy());
      from.on("close", () => {
        to.destroy();
        pairs.delete(pair);
      });
      if (stalled) from.pause();
    }
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");

  const each = (does: (socket: Socket) => void) => {
    for (const pair of pairs) pair.forEach(does);
  };
  const cut = () => each((socket) => socket.destroy());
  return {
    via(url) {
      const through = new URL(url);
      through.hostname = "127.0.0.1";
      through.port = String((listener.address() as AddressInfo).port);
      return through.href;
    },
    get connections() {
      return pairs.size;
    },
    cut,
    stall() {
      stalled = true;
      each((socket) => socket.pause());
    },
    resume() {
      stalled = false;
      each((socket) => socket.resume());
    },
    refuse() {
      refusing = true;
      cut();
    },
    allow() {
      refusing = false;
    },
    inject(bytes) {
      for (const [client] of pairs) client.write(bytes);
    },
    async close() {
      const closed = once(listener, "close");
      listener.close();
      cut();
      await closed;
    },
  };
}
