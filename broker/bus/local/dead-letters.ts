/** Where the in-process bus stores messages that it could not deliver, and from where they are replayed. */
import type { Connection } from "mongoose";
import type { Envelope } from "../../contract/envelope.ts";
import type { Failure } from "../failure.ts";

export interface DeadLetter {
  /** `<queue>/<message id>`: the same message, when it fails again, replaces itself. */
  readonly id: string;
  /** Name of the queue it came from, without prefix. */
  readonly queue: string;
  readonly message: Envelope;
  readonly error: Failure;
  readonly attempts: number;
  readonly at: Date;
}

export interface DeadLetterStore {
  /** Resolves when it is durable. */
  add(letter: DeadLetter): Promise<void>;
  /** Queues that have dead letters, with their numbers. */
  queues(): Promise<{ queue: string; count: number }[]>;
  /** The oldest first. */
  list(queue: string, limit: number): Promise<DeadLetter[]>;
  /**
   * Asks the bus, which may run in another process, to deliver letters again. All of the queue unless `ids` (message
   * ids) are given. @returns how many
   */
  requestReplay(queue: string, ids?: readonly string[]): Promise<number>;
  /** Letters with a requested replay. They stay until they are dropped or fail again. */
  requested(limit: number): Promise<DeadLetter[]>;
  /** Deletes letters: all of the queue unless `ids` (message ids) are given. @returns how many */
  drop(queue: string, ids?: readonly string[]): Promise<number>;
}

export const letterId = (queue: string, messageId: string): string => `${queue}/${messageId}`;

interface Stored extends Omit<DeadLetter, "id" | "message"> {
  _id: string;
  messageId: string;
  /** JSON text, so that any message can be stored unchanged, whatever its keys. */
  message: string;
  replay: boolean;
}

const COLLECTION = "dead_letters";

/** On a MongoDB collection, `dead_letters` of the connection's database. It is small and has no further index. */
export function mongoDeadLetters(connection: Connection): DeadLetterStore {
  const collection = connection.collection<Stored>(COLLECTION);
  const filter = (queue: string, ids?: readonly string[]) => ({
    queue,
    ...(ids ? { messageId: { $in: [...ids] } } : {}),
  });
  return {
    async add({ id, message, ...letter }) {
      await collection.replaceOne(
        { _id: id },
        { ...letter, messageId: message.id, message: JSON.stringify(message), replay: false },
        { upsert: true },
      );
    },
    async queues() {
      const groups = await collection
        .aggregate<{ _id: string; count: number }>([
          { $group: { _id: "$queue", count: { $sum: 1 } } },
          { $sort: { _id: 1 } },
        ])
        .toArray();
      return groups.map(({ _id, count }) => ({ queue: _id, count }));
    },
    async list(queue, limit) {
      const found = await collection.find({ queue }).sort({ at: 1, _id: 1 }).limit(limit).toArray();
      return found.map(revive);
    },
    async requestReplay(queue, ids) {
      const { matchedCount } = await collection.updateMany(filter(queue, ids), { $set: { replay: true } });
      return matchedCount;
    },
    async requested(limit) {
      const found = await collection.find({ replay: true }).sort({ at: 1, _id: 1 }).limit(limit).toArray();
      return found.map(revive);
    },
    async drop(queue, ids) {
      const { deletedCount } = await collection.deleteMany(filter(queue, ids));
      return deletedCount;
    },
  };
}

const revive = ({ _id, messageId: _messageId, replay: _replay, message, ...letter }: Stored): DeadLetter => ({
  ...letter,
  id: _id,
  message: JSON.parse(message) as Envelope,
});
