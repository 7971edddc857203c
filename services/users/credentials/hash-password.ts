/**
 * Passwords: argon2id, stored as PHC strings (`$argon2id$v=19$m=…,t=…,p=…$salt$hash`). The work runs in libuv's
 * thread pool, a few at a time. A flood of logins gets OVERLOADED instead of using up the memory.
 */
import { argon2, randomBytes, timingSafeEqual } from "node:crypto";
import { availableParallelism } from "node:os";
import { SoukError } from "../../../broker/contract/errors.ts";

export interface Argon2Parameters {
  /** KiB. */
  memory: number;
  passes: number;
  parallelism: number;
}

/** OWASP's minimum for argon2id. When it is raised here, stored hashes follow at each user's next login. */
export const PARAMETERS: Argon2Parameters = { memory: 19_456, passes: 2, parallelism: 1 };
const SALT_BYTES = 16;
const HASH_BYTES = 32;

export interface PasswordHash extends Argon2Parameters {
  salt: Buffer;
  hash: Buffer;
}

const unpadded = (bytes: Buffer) => bytes.toString("base64").replace(/={1,2}$/, "");

export function formatPhc({ memory, passes, parallelism, salt, hash }: PasswordHash): string {
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${unpadded(salt)}$${unpadded(hash)}`;
}

const PHC =
  /^\$argon2id\$v=19\$m=(\d{1,8}),t=(\d{1,3}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{16,86})$/;

/** @throws on any text that {@link formatPhc} did not make: a damaged record is a fault, not a wrong password */
export function parsePhc(phc: string): PasswordHash {
  const [, memory, passes, parallelism, salt, hash] = PHC.exec(phc) ?? [];
  if (!memory || !passes || !parallelism || !salt || !hash) throw new Error("not an argon2id PHC string");
  return {
    memory: Number(memory),
    passes: Number(passes),
    parallelism: Number(parallelism),
    salt: Buffer.from(salt, "base64"),
    hash: Buffer.from(hash, "base64"),
  };
}

/** Whether any of the parameters is below that of new hashes. */
export const isOutdated = (phc: string, wanted: Argon2Parameters = PARAMETERS): boolean => {
  const { memory, passes, parallelism } = parsePhc(phc);
  return memory < wanted.memory || passes < wanted.passes || parallelism < wanted.parallelism;
};

export interface PasswordHasher {
  /** @throws {SoukError} OVERLOADED when too many wait already */
  hash(password: string): Promise<string>;
  /**
   * Does the same work with and without a hash: without one, it checks a dummy hash.
   * @throws {SoukError} OVERLOADED when too many wait already
   */
  verify(password: string, phc: string | undefined): Promise<boolean>;
  /** How often argon2 was run. */
  readonly runs: number;
}

export interface PasswordHasherOptions {
  parameters?: Argon2Parameters;
  /** How many run at once. The thread pool has 4 threads, which other work needs too. */
  concurrency?: number;
  /** How many may wait. At some 35 ms each, the last one waits about a second. */
  queue?: number;
}

export function createPasswordHasher({
  parameters = PARAMETERS,
  concurrency = Math.min(3, availableParallelism()),
  queue = 32 * concurrency,
}: PasswordHasherOptions = {}): PasswordHasher {
  const decoy: PasswordHash = { ...parameters, salt: randomBytes(SALT_BYTES), hash: randomBytes(HASH_BYTES) };
  const waiting: (() => void)[] = [];
  let active = 0;
  let runs = 0;

  async function limited<T>(work: () => Promise<T>): Promise<T> {
    if (active >= concurrency) {
      if (waiting.length >= queue) throw new SoukError("OVERLOADED", undefined, { retryAfter: 1 });
      // The previous run passes its slot on, so that a new call can't take it.
      await new Promise<void>((resolve) => waiting.push(resolve));
    } else active++;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else active--;
    }
  }

  function derive(
    password: string,
    { memory, passes, parallelism, salt, hash }: PasswordHash,
  ): Promise<Buffer> {
    runs++;
    const settings = { memory, passes, parallelism, nonce: salt, tagLength: hash.length };
    return new Promise((resolve, reject) => {
      // NFKC, so that the same characters from another keyboard are the same password.
      argon2("argon2id", { message: password.normalize("NFKC"), ...settings }, (error, derived) =>
        error ? reject(error) : resolve(derived),
      );
    });
  }

  return {
    async hash(password) {
      const blank = { ...parameters, salt: randomBytes(SALT_BYTES), hash: Buffer.alloc(HASH_BYTES) };
      return formatPhc({ ...blank, hash: await limited(() => derive(password, blank)) });
    },
    async verify(password, phc) {
      const stored = phc === undefined ? decoy : parsePhc(phc);
      const derived = await limited(() => derive(password, stored));
      return timingSafeEqual(derived, stored.hash) && phc !== undefined;
    },
    get runs() {
      return runs;
    },
  };
}
