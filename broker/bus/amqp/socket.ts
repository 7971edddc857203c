import type { Socket } from "node:net";
import type { ChannelModel, Connection } from "amqplib";

/** The socket of a connection. amqplib's types do not show it. */
export const socketOf = (connection: Connection): Socket =>
  (connection as Connection & { stream: Socket }).stream;

/**
 * Destroys the socket. After a missed heartbeat, amqplib only half-closes it. A silent peer never answers that, so
 * the socket would stay until the kernel's time-out. The error makes amqplib end its side and its heartbeat.
 */
export function destroySocket(model: ChannelModel): void {
  socketOf(model.connection).destroy(new Error("the connection was closed by this node"));
}
