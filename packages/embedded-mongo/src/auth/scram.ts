/** SCRAM-SHA-256 (RFC 5802, RFC 7677), the server's side as in MongoDB. Without channel binding. */
import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from "node:crypto";

/** What a server stores of a password. */
export interface Credentials {
  readonly user: string;
  readonly salt: Buffer;
  readonly iterations: number;
  readonly storedKey: Buffer;
  readonly serverKey: Buffer;
}

const PASSWORD = /^[\x21-\x7e]{1,128}$/;

/**
 * @param password 16 to 128 printable ASCII characters; they need no preparation, because SASLprep does not change
 * them
 * @throws for any other password
 */
export function credentialsOf(
  user: string,
  password: string,
  { salt = randomBytes(28), iterations = 15_000, minimum = 16 } = {},
): Credentials {
  if (!PASSWORD.test(password) || password.length < minimum)
    throw new Error(`a password must be ${minimum} to 128 ASCII letters, digits and signs`);
  const salted = pbkdf2Sync(password, salt, iterations, 32, "sha256");
  return {
    user,
    salt,
    iterations,
    storedKey: createHash("sha256").update(hmac(salted, "Client Key")).digest(),
    serverKey: hmac(salted, "Server Key"),
  };
}

/** The client violated the protocol, or has not proved that it knows the password. */
export class ScramError extends Error {}

/** One log-in: answers the client's first message, then its last one. */
export class ScramConversation {
  readonly #credentials: Credentials;
  readonly #serverNonce: string;
  #clientFirst = "";
  #serverFirst = "";
  #nonce = "";
  #known = false;

  constructor(credentials: Credentials, nonce = randomBytes(24).toString("base64")) {
    this.#credentials = credentials;
    this.#serverNonce = nonce;
  }

  /** @throws {ScramError} when the message is not a first one; an unknown user fails only at the end */
  first(message: string): string {
    const [, bare = "", user = "", nonce = ""] = FIRST.exec(message) ?? [];
    if (bare === "") throw new ScramError("not a client's first message");
    const { salt, iterations } = this.#credentials;
    this.#known = user.replaceAll("=2C", ",").replaceAll("=3D", "=") === this.#credentials.user;
    this.#nonce = nonce + this.#serverNonce;
    this.#clientFirst = bare;
    this.#serverFirst = `r=${this.#nonce},s=${salt.toString("base64")},i=${iterations}`;
    return this.#serverFirst;
  }

  /**
   * @returns the proof that the server knows the password
   * @throws {ScramError}
   */
  last(message: string): string {
    const [, withoutProof = "", nonce = "", given = ""] = LAST.exec(message) ?? [];
    const { storedKey, serverKey } = this.#credentials;
    const about = `${this.#clientFirst},${this.#serverFirst},${withoutProof}`;
    const signature = hmac(storedKey, about);
    const proof = Buffer.from(given, "base64");
    if (proof.length !== signature.length || nonce !== this.#nonce || !this.#known)
      throw new ScramError("wrong user or password");
    const clientKey = Buffer.from(proof.map((byte, at) => byte ^ (signature[at] ?? 0)));
    if (!timingSafeEqual(createHash("sha256").update(clientKey).digest(), storedKey))
      throw new ScramError("wrong user or password");
    return `v=${hmac(serverKey, about).toString("base64")}`;
  }
}

/** `n,,` means that the client does no channel binding. `biws` is its base64. */
const FIRST = /^n,,(n=([^,]{1,256}),r=([\x21-\x2b\x2d-\x7e]{8,256}))$/;
const LAST = /^(c=biws,r=([\x21-\x2b\x2d-\x7e]{8,512})),p=([A-Za-z0-9+/]{43}=)$/;

const hmac = (key: Buffer, text: string): Buffer => createHmac("sha256", key).update(text).digest();
