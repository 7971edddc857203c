import type { Socket } from "node:net";
import type { Connection } from "amqplib";
import { socketOf } from "./socket.ts";

const gathered = new WeakSet<Socket>();

/**
 * Combines all writes to a connection in one pass of the event loop into one system call. amqplib writes each frame
 * separately, which with `noDelay` makes one packet each.
 */
export function corkWrites(connection: Connection): void {
  const socket = socketOf(connection);
  if (gathered.has(socket)) return;
  gathered.add(socket);
  const write = socket.write.bind(socket) as (...args: unknown[]) => boolean;
  let corked = false;
  const uncork = () => {
    corked = false;
    socket.uncork();
  };
  socket.write = ((...args: unknown[]) => {
    if (!corked) {
      corked = true;
      socket.cork();
      process.nextTick(uncork);
    }
    return write(...args);
  }) as Socket["write"];
}
