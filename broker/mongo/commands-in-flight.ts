/** How many grouped commands of one collection may be in flight. */
import { isOnMessagePort } from "@souk/embedded-mongo/driver";
import type { MongoClient } from "mongodb";

/**
 * The store of this process takes the commands of one event-loop pass as one message, and all that wait in one
 * transaction with one flush. So a command that waits for another saves nothing there, and each step of a request would
 * take half as long again. Over a socket each command costs more than what it carries.
 */
const TO_THE_OWN_STORE = 16;
const OVER_A_SOCKET = 1;

/** A collection of the driver, or mongoose's. Others, as tests have them, count as behind a socket. */
interface OfClient {
  readonly client?: MongoClient;
  readonly conn?: { getClient(): MongoClient };
}

export function commandsInFlight(collection: object): number {
  const { client, conn }: OfClient = collection;
  const owner = client ?? conn?.getClient();
  return owner && isOnMessagePort(owner) ? TO_THE_OWN_STORE : OVER_A_SOCKET;
}
