/** Commands on one database, sent through a port. Failures are those of MongoDB's driver. */
import { BSON, type Document, MongoNetworkError, MongoServerError } from "mongodb";
import { type CommandPort, StoreEnded } from "./command-port.ts";
import { messageOf, type Sequence } from "./message.ts";

/** As `maxMessageSizeBytes` in `hello`. */
const largestMessage = 48_000_000;

export class Commands {
  private readonly port: CommandPort;
  private readonly db: string;

  constructor(port: CommandPort, db: string) {
    this.port = port;
    this.db = db;
  }

  /** A command as a message. Undefined where it is too large for one. */
  prepare(command: Document, sequence?: Sequence, ignoreUndefined = false): Buffer | undefined {
    const message = messageOf({ ...command, $db: this.db }, sequence, ignoreUndefined);
    return message.length > largestMessage ? undefined : message;
  }

  /**
   * Sends a message.
   * @throws {MongoServerError} where the store refuses it
   * @throws {MongoNetworkError} where the store ends before it answers
   */
  async send(message: Buffer): Promise<Document> {
    let reply: Buffer;
    try {
      reply = await this.port.ask(message);
    } catch (error) {
      throw error instanceof StoreEnded ? new MongoNetworkError(error.message, { cause: error }) : error;
    }
    const document = BSON.deserialize(reply);
    if (document.ok !== 1) throw new MongoServerError(document as { message: string });
    return document;
  }

  /** Prepares and sends a command. Undefined where it is too large. */
  run(command: Document, ignoreUndefined = false): Promise<Document> | undefined {
    const message = this.prepare(command, undefined, ignoreUndefined);
    return message && this.send(message);
  }
}
