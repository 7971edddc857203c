/**
 * Connections of MongoDB's driver to a store in a thread of this process. Each opens a socket like any other. There it
 * logs in and is watched, and it ends with the socket. Its commands and their replies go through a message port. This
 * costs a fraction of the driver's streams and of a write to the socket for each command.
 */
import { createRequire } from "node:module";
import { type Document, MongoNetworkError, MongoServerError } from "mongodb";
import { type CommandPort, commandPorts } from "./command-port.ts";

interface Options extends Document {
  readonly socketTimeoutMS?: number;
  readonly timeoutContext?: { csotEnabled(): boolean };
  readonly session?: { inTransaction(): boolean };
}
interface Response {
  readonly ok: number;
  toObject(options: Document): Document;
}
interface ResponseType {
  make(document: Uint8Array): Response;
}
interface Message {
  readonly requestId: number;
  toBin(): Uint8Array[];
}

/** What is used of the driver's connection. */
interface Connection {
  readonly established: boolean;
  readonly shouldEmitAndLogCommand: boolean;
  readonly socketTimeoutMS: number;
  readonly error: Error | null;
  readonly hello: { readonly connectionId: number } | null;
  command(
    ns: { readonly db: string },
    command: Document,
    options?: Options,
    type?: ResponseType,
  ): Promise<unknown>;
  prepareCommand(db: string, command: Document, options: Options): Message;
  throwIfAborted(): void;
  once(event: "close", listener: () => void): void;
}
type ConnectionType = new (socket: unknown, options: object) => Connection;

// The driver (7.8) exports neither. But its option `connectionType` takes a class of connections.
const driver = createRequire(import.meta.url);
const { Connection } = driver("mongodb/lib/cmap/connection.js") as { Connection?: ConnectionType };
const { MongoDBResponse } = driver("mongodb/lib/cmap/wire_protocol/responses.js") as {
  MongoDBResponse?: ResponseType;
};

/**
 * Options for a client of the store at `uri`. None where that store does not run in this process, or where the driver
 * is another version. Then the client uses sockets alone.
 */
export function driverOptions(uri: string): { connectionType?: unknown } {
  const port = commandPorts.get(uri);
  const known =
    typeof Connection?.prototype.command === "function" &&
    typeof Connection.prototype.prepareCommand === "function" &&
    typeof MongoDBResponse?.make === "function";
  return port && known ? { connectionType: through(port, Connection, MongoDBResponse) } : {};
}

function through(port: CommandPort, OnSocket: ConnectionType, AnyResponse: ResponseType): ConnectionType {
  return class OnPort extends OnSocket {
    /** The message that waits for its reply. A connection has one at most. */
    private waiting = 0;

    constructor(socket: unknown, options: object) {
      super(socket, options);
      this.once("close", () => {
        port.abandon(this.waiting, this.error ?? new MongoNetworkError("the connection was closed"));
      });
    }

    override async command(
      ns: { readonly db: string },
      command: Document,
      options: Options = {},
      type?: ResponseType,
    ): Promise<unknown> {
      const { hello } = this;
      if (hello === null || !this.isPlain(command, options))
        return await super.command(ns, command, options, type);
      this.throwIfAborted();
      const message = this.prepareCommand(ns.db, command, options);
      this.waiting = message.requestId;
      const bytes = await port.ask(hello.connectionId, message.requestId, message.toBin());
      const response = (type ?? AnyResponse).make(bytes);
      if (response.ok === 0) throw new MongoServerError(response.toObject(options));
      return type === undefined ? response.toObject(options) : response;
    }

    /** False for what needs more of the driver: log-in, time limits, monitoring, raw or missing replies. */
    private isPlain(command: Document, options: Options): boolean {
      return (
        this.established &&
        !this.shouldEmitAndLogCommand &&
        !(options.socketTimeoutMS ?? this.socketTimeoutMS) &&
        !options.timeoutContext?.csotEnabled() &&
        !options.session?.inTransaction() &&
        !options.signal &&
        !options.raw &&
        !options.moreToCome &&
        command.writeConcern?.w !== 0
      );
    }
  };
}
