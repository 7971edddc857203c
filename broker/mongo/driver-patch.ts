/**
 * Makes a command fail when its connection is lost. MongoDB's driver (7.8) waits for ever for a command that it
 * writes to a connection which has just been closed. The socket's `write` returns false, and the `drain` event never
 * comes. A command of ours would hang. The driver's own server check can hang too; then this process has lost its
 * database for good.
 */
import { createRequire } from "node:module";
import { MongoNetworkError } from "mongodb";

interface DriverConnection {
  readonly closed: boolean;
  readonly error: Error | null;
  once(event: "close", listener: () => void): void;
  off(event: "close", listener: () => void): void;
}
type WriteCommand = (this: DriverConnection, ...args: unknown[]) => Promise<void>;

// The driver does not export the class and has no option for this.
const { Connection } = createRequire(import.meta.url)("mongodb/lib/cmap/connection.js") as {
  Connection: { prototype: { writeCommand: WriteCommand } };
};

let done = false;

/**
 * Patches the driver for the whole process. Call it before the first connection. @throws Error where the driver is
 * not the version that this patch was made for
 */
export function failWithLostConnections(): void {
  if (done) return;
  const { writeCommand } = Connection.prototype;
  if (typeof writeCommand !== "function")
    throw new Error("MongoDB's driver is not the one that driver-patch.ts was made for");
  Connection.prototype.writeCommand = function (...args) {
    return new Promise((resolve, reject) => {
      const closed = () => reject(this.error ?? new MongoNetworkError("the connection was closed"));
      this.once("close", closed);
      const written = writeCommand.apply(this, args);
      written.then(resolve, reject).finally(() => this.off("close", closed));
      if (this.closed) closed();
    });
  };
  done = true;
}
