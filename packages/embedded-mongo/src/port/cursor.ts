/** Cursors whose results are wanted as a whole, which is nearly always so. */
import { type Document, Long } from "mongodb";
import type { Commands } from "./commands.ts";

interface Cursor {
  toArray(): Promise<Document[]>;
}

/**
 * Stands for a cursor of the driver. The driver makes it when anything but all results is wanted.
 * @param all reads all results; undefined where they can't be read directly
 */
export function lazyCursor<T extends Cursor>(make: () => T, all: () => Promise<Document[]> | undefined): T {
  let made: T | undefined;
  const cursor = (): T => {
    made ??= make();
    return made;
  };
  const toArray = async (): Promise<Document[]> =>
    await ((made === undefined ? all() : undefined) ?? cursor().toArray());
  return new Proxy({} as T, {
    get(_, name) {
      if (name === "toArray") return toArray;
      // It is no promise. Whoever asks that wants nothing of the cursor.
      if (name === "then") return undefined;
      const value = Reflect.get(cursor(), name);
      return typeof value === "function" ? value.bind(cursor()) : value;
    },
    set: (_, name, value) => Reflect.set(cursor(), name, value),
    has: (_, name) => Reflect.has(cursor(), name),
    getPrototypeOf: () => Reflect.getPrototypeOf(cursor()),
  });
}

/** All results of a command that opens a cursor. Undefined where the command is too large to be sent directly. */
export function readAll(
  commands: Commands,
  collection: string,
  command: Document,
): Promise<Document[]> | undefined {
  const first = commands.run(command);
  return first && drain(commands, collection, first);
}

async function drain(commands: Commands, collection: string, first: Promise<Document>): Promise<Document[]> {
  let { cursor } = await first;
  const documents: Document[] = cursor.firstBatch;
  while (cursor.id !== 0) {
    const getMore = { getMore: Long.isLong(cursor.id) ? cursor.id : Long.fromNumber(cursor.id), collection };
    ({ cursor } = (await commands.run(getMore)) as Document);
    for (const document of cursor.nextBatch) documents.push(document);
  }
  return documents;
}
