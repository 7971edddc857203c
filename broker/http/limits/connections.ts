/**
 * Limits per connection. Its requests run one after the other, as RFC 9112, 9.3.2 demands unless all are reads. A few
 * may wait. While one waits, nothing more is read. A client that does not read its answers is disconnected.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";

export interface ConnectionLimits {
  /** Requests that may wait behind the running one. A connection with more is closed. */
  maxPipelined: number;
  /** A client that reads nothing for this long, while there is something to send, is disconnected. Milliseconds. */
  writeTimeout: number;
}

type Start = () => void;

interface Connection {
  readonly socket: Socket;
  readonly waiting: Start[];
  /** How much the kernel had taken at the last check, and when it last was more. */
  sent: string;
  sentAt: number;
}

export class Connections {
  readonly #limits: ConnectionLimits;
  readonly #known = new WeakMap<Socket, Connection>();
  /** Connections with a running request. */
  readonly #busy = new Set<Connection>();
  readonly #timer: NodeJS.Timeout;

  constructor(limits: ConnectionLimits) {
    this.#limits = limits;
    this.#timer = setInterval(() => this.#cutOff(), Math.min(1_000, limits.writeTimeout / 4)).unref();
  }

  /**
   * Calls `start` when all earlier requests of its connection have been answered. Never, if the connection closes
   * before.
   */
  request({ socket }: IncomingMessage, res: ServerResponse, start: Start): void {
    // One chunk of bytes may contain hundreds of requests. Those after the last permitted one are still parsed.
    if (socket.destroyed) return;
    const connection = this.#of(socket);
    const work = () => {
      connection.sentAt = performance.now();
      res.once("close", () => this.#next(connection));
      start();
    };
    if (!this.#busy.has(connection)) {
      this.#busy.add(connection);
      work();
    } else if (connection.waiting.length < this.#limits.maxPipelined) {
      connection.waiting.push(work);
      socket.pause();
    } else socket.destroy();
  }

  /** Stops watching all connections. */
  stop(): void {
    clearInterval(this.#timer);
  }

  #of(socket: Socket): Connection {
    const known = this.#known.get(socket);
    if (known) return known;
    const connection: Connection = { socket, waiting: [], sent: "", sentAt: 0 };
    // Reading a body resumes the socket, also for a discarded body.
    socket.on("resume", () => {
      if (connection.waiting.length > 0) socket.pause();
    });
    this.#known.set(socket, connection);
    return connection;
  }

  #next(connection: Connection): void {
    const { socket, waiting } = connection;
    const next = socket.writable ? waiting.shift() : undefined;
    if (next) {
      if (waiting.length === 0) socket.resume();
      next();
      return;
    }
    this.#busy.delete(connection);
    waiting.length = 0;
  }

  #cutOff(): void {
    const now = performance.now();
    for (const connection of this.#busy) {
      const { socket } = connection;
      const sent = handedOver(socket);
      if (socket.writableLength === 0 || sent !== connection.sent) {
        connection.sent = sent;
        connection.sentAt = now;
      } else if (now - connection.sentAt >= this.#limits.writeTimeout) socket.destroy();
    }
  }
}

/**
 * A value that changes whenever the kernel takes bytes. Of one large write the kernel takes parts, which only libuv's
 * count shows. Node's own time-out uses that count too, but also counts received bytes.
 */
function handedOver(socket: Socket): string {
  const { _handle } = socket as { _handle?: { writeQueueSize?: number } | null };
  return `${socket.bytesWritten - socket.writableLength}+${_handle?.writeQueueSize ?? 0}`;
}
