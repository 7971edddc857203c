import type { Socket } from "node:net";
import type { ChannelModel, Connection } from "amqplib";

/** The socket of a connection; amqplib's types do not show it. */
export const socketOf = (connection: Connection): Socket =>
  (connection as unknown as { stream: Socket }).stream;

/**
 * amqplib only half-closes the socket when a heartbeat is missed, which a peer that has gone silent never answers:
 * the socket would stay for the kernel's time-out. The error makes amqplib end its side and its heartbeat, where it
 * has not yet.
 */
export function destroySocket(model: ChannelModel): void {
  socketOf(model.connection).destroy(new Error("the connection was given up"));
}
