/**
 * Whether an API key is live: neither revoked nor expired, and made by a member of staff whose account may be used. It may
 * do at most what that one may do now.
 */
import type { Scope } from "../../contract/contract.ts";
import { SoukError } from "../../contract/errors.ts";
import type { Clock } from "../../resilience/clock.ts";
import { isApiKey, type KeyProof, parseApiKey } from "./api-key.ts";
import { createLiveAnswers } from "./live-answers.ts";

export interface LiveKey extends KeyProof {
  /** Who made it. */
  userId: string;
  scopes: readonly Scope[];
  /** RFC 3339. */
  expiresAt: string;
}

export interface LiveKeys {
  /** Whether it was live when it was last asked about. */
  isKnown(token: string): boolean;
  /**
   * @throws {SoukError} UNAUTHENTICATED when it is no key, or not live
   * @throws any error of `ask`, when nothing is known and no node answers
   */
  check(token: string): Promise<LiveKey>;
  /** A key, all keys of a user, or those of everybody have changed. @param subject id of a key or user */
  changed(subject: string): void;
}

interface Answer extends Omit<LiveKey, "id"> {
  /** Of the proof: another secret for the same key is another question. */
  id: string;
  keyId: string;
}

const proofId = ({ id, hash }: KeyProof): string => `${id}.${hash}`;

/** @param ask returns which of these keys are live */
export function createLiveKeys(
  ask: (keys: KeyProof[]) => Promise<readonly LiveKey[]>,
  clock: Clock,
  cacheSize = 5_000,
): LiveKeys {
  const { look, known, changed } = createLiveAnswers<Answer>({
    async ask(ids) {
      const live = await ask(ids.map(proofOf));
      return live.map((it) => ({ ...it, id: proofId(it), keyId: it.id }));
    },
    concerns: (subject, { keyId, userId }) => subject === keyId || subject === userId,
    clock,
    cacheSize,
  });

  return {
    isKnown(token) {
      const proof = isApiKey(token) ? parseApiKey(token) : undefined;
      return proof !== undefined && known(proofId(proof)) !== undefined;
    },
    async check(token) {
      const proof = parseApiKey(token);
      const answer = proof && (await look(proofId(proof)));
      if (!answer || Date.parse(answer.expiresAt) <= clock.now())
        throw new SoukError("UNAUTHENTICATED", "The API key is unknown, revoked or has expired.");
      const { keyId, ...key } = answer;
      return { ...key, id: keyId };
    },
    changed,
  };
}

function proofOf(id: string): KeyProof {
  const dot = id.indexOf(".");
  return { id: id.slice(0, dot), hash: id.slice(dot + 1) };
}
