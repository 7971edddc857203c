/**
 * What one connection may make the gateway do. Its requests are worked on one after the other (RFC 9112, 9.3.2, asks
 * for it where they are not all reads), few may wait behind, and while one waits nothing more is read. A client that
 * does not take what it is sent is cut off.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";

export interface ConnectionLimits {
  /** Requests that may wait behind the one that is worked on. A connection with more is closed. */
  maxPipelined: number;
  /** A client that takes nothing for so long while there is something to send is cut off; milliseconds. */
  writeTimeout: number;
}

type Start = () => void;

interface Connection {
  readonly socket: Socket;
  readonly waiting: Start[];
  /** What the kernel had been given when that was last looked at, and when it last was more. */
  sent: string;
  sentAt: number;
}

export class Connections {
  readonly #limits: ConnectionLimits;
  readonly #known = new WeakMap<Socket, Connection>();
  /** Those with a request that is worked on. */
  readonly #busy = new Set<Connection>();
  readonly #timer: NodeJS.Timeout;

  constructor(limits: ConnectionLimits) {
    this.#limits = limits;
    this.#timer = setInterval(() => this.#cutOff(), Math.min(1_000, limits.writeTimeout / 4)).unref();
  }

  /** Calls `start` when all earlier requests of its connection have been answered; never where that is closed before. */
  request({ socket }: IncomingMessage, res: ServerResponse, start: Start): void {
    // A chunk of bytes may hold hundreds of requests; those behind the one too many are still parsed.
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

  /** Looks after no connection any more. */
  stop(): void {
    clearInterval(this.#timer);
  }

  #of(socket: Socket): Connection {
    const known = this.#known.get(socket);
    if (known) return known;
    const connection: Connection = { socket, waiting: [], sent: "", sentAt: 0 };
    // Reading a body resumes the socket, also one that is only thrown away.
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
 * Changes whenever the kernel takes something. Of one large write it takes parts, which only libuv's count tells: Node's
 * own time-out looks at it too, but counts what is received as well.
 */
function handedOver(socket: Socket): string {
  const { _handle } = socket as { _handle?: { writeQueueSize?: number } | null };
  return `${socket.bytesWritten - socket.writableLength}+${_handle?.writeQueueSize ?? 0}`;
}
