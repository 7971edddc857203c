/**
 * Clients of MongoDB's driver in the process of the store. The collections of such a client send their commands through
 * a message port, and encode them themselves. This costs a fraction of what the driver's sessions, pool and streams
 * cost, and of a write to a socket for each command. All else goes through the driver and its sockets.
 */
import type { BSONSerializeOptions, Collection, Document, MongoClient } from "mongodb";
import { sendDirectly } from "./collection.ts";
import { commandPorts } from "./command-port.ts";
import { Commands } from "./commands.ts";

const onPort = new WeakSet<MongoClient>();

/**
 * Makes a connected client send commands through the port of the store at `uri`. Does nothing where that store does not
 * run in this process, or where the client watches commands. Call it before its collections are made.
 */
export function useMessagePort(client: MongoClient, uri: string): void {
  const port = commandPorts.get(uri);
  if (port === undefined || client.options.monitorCommands) return;
  onPort.add(client);
  let open = true;
  client.on("topologyClosed", () => {
    open = false;
  });
  client.on("topologyOpening", () => {
    open = true;
  });
  const makeDb = client.db.bind(client);
  client.db = (...args) => {
    const db = makeDb(...args);
    const commands = new Commands(port, db.databaseName);
    const makeCollection = db.collection.bind(db);
    db.collection = <T extends Document>(...given: Parameters<typeof db.collection>) => {
      const collection = makeCollection<T>(...given);
      return isUsual(collection) ? sendDirectly(collection, commands, () => open) : collection;
    };
    return db;
  };
}

/** Whether {@link useMessagePort} has made this client send its usual commands through a port. */
export const isOnMessagePort = (client: MongoClient): boolean => onPort.has(client);

/** How documents are read and written directly. */
const usual: BSONSerializeOptions = {
  raw: false,
  useBigInt64: false,
  promoteLongs: true,
  promoteValues: true,
  promoteBuffers: false,
  ignoreUndefined: false,
  bsonRegExp: false,
  serializeFunctions: false,
};

function isUsual({ bsonOptions, writeConcern }: Pick<Collection, "bsonOptions" | "writeConcern">): boolean {
  return (
    writeConcern?.w !== 0 &&
    Object.entries(usual).every(
      ([name, value]) => (bsonOptions[name as keyof BSONSerializeOptions] ?? value) === value,
    )
  );
}
