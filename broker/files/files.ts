/** The port for files: bytes under a name. Large things are kept in parts, so that nobody holds more than one in memory. */

export interface Files {
  /** Resolves when the bytes would survive a crash. Replaces what the name had. */
  put(name: string, bytes: Uint8Array, type?: string): Promise<void>;
  /** Undefined where there is no such file. */
  get(name: string): Promise<Buffer | undefined>;
  /** Also resolves where there is no such file. */
  remove(name: string): Promise<void>;
  /** Names that begin with `prefix`, in no order. A prefix ends with a slash. */
  list(prefix: string): AsyncIterable<string>;
}

const NAME = /^[a-z0-9][a-z0-9_-]*(?:[./][a-z0-9][a-z0-9_-]*)*$/;
const MAX_NAME = 200;

/**
 * Names are made by code, of letters that every file system and bucket keeps apart. No step leads out of the folder.
 * @throws on any other name, which is a bug
 */
export function checkName(name: string): string {
  if (name.length > MAX_NAME || !NAME.test(name))
    throw new Error(`not a name of a file: ${name.slice(0, 80)}`);
  return name;
}
