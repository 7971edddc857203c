/** The parts of a file that was received. */
import { PART_BYTES } from "../../../broker/contract/upload.ts";
import type { Files } from "../../../broker/files/files.ts";

const FOLDER = "imports/";
/** Steps of one import read the same part several times. */
const MAX_REMEMBERED = 4;

/** The part is not there: the import has ended, or this node has other files than the one that kept it. */
export class MissingPartError extends Error {
  override readonly name = "MissingPartError";
}

export interface KeptFile {
  /** Bytes from there on, a part at a time. */
  from(byte: number): AsyncGenerator<Buffer>;
}

export class KeptFiles {
  readonly #files: Files;
  readonly #remembered = new Map<string, Buffer>();

  constructor(files: Files) {
    this.#files = files;
  }

  keep(importId: string, number: number, bytes: Uint8Array): Promise<void> {
    return this.#files.put(nameOf(importId, number), bytes);
  }

  open(importId: string, parts: number): KeptFile {
    const read = (number: number) => this.#read(nameOf(importId, number));
    return {
      async *from(byte) {
        for (let number = Math.floor(byte / PART_BYTES); number < parts; number++) {
          const part = await read(number);
          yield part.subarray(Math.max(0, byte - number * PART_BYTES));
        }
      },
    };
  }

  async remove(importId: string, parts: number): Promise<void> {
    for (let number = 0; number < parts; number++) {
      const name = nameOf(importId, number);
      this.#remembered.delete(name);
      await this.#files.remove(name);
    }
  }

  /** Ids of all imports with parts. */
  async *ids(): AsyncGenerator<string> {
    let last: string | undefined;
    for await (const name of this.#files.list(FOLDER)) {
      const [, id] = name.split("/");
      if (id !== undefined && id !== last) yield id;
      last = id;
    }
  }

  /** Parts of which nobody knows how many there are. */
  async removeAll(importId: string): Promise<void> {
    for await (const name of this.#files.list(`${FOLDER}${importId}/`)) await this.#files.remove(name);
  }

  async #read(name: string): Promise<Buffer> {
    const known = this.#remembered.get(name);
    if (known) return known;
    const part = await this.#files.get(name);
    if (!part) throw new MissingPartError(`${name} is missing; do all nodes of imports have the same files?`);
    this.#remembered.set(name, part);
    for (const oldest of this.#remembered.keys()) {
      if (this.#remembered.size <= MAX_REMEMBERED) break;
      this.#remembered.delete(oldest);
    }
    return part;
  }
}

const nameOf = (importId: string, number: number): string => `${FOLDER}${importId}/${number}`;
