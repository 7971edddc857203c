/**
 * Whether the session of an access token is live. A live session has not ended. Its account exists, is not blocked,
 * and has the roles in the token. A known answer is valid for {@link FRESH_MS}. A session that ends is announced, so it is
 * usually known at once. Sessions in constant use are checked in advance, many in one call. So requests hardly ever
 * wait.
 */

import type { Scope } from "../../contract/contract.ts";
import { SoukError } from "../../contract/errors.ts";
import { Batcher } from "../../mongo/batcher.ts";
import type { Clock } from "../../resilience/clock.ts";
import { growingCache } from "../../resilience/growing-cache.ts";
import type { AccessTokenClaims } from "./access-token.ts";

/** If an announcement is lost, a request of an ended session is served for at most this time. */
export const FRESH_MS = 10_000;
/** After this time a session is checked again, while the request continues. */
const AGEING_MS = 5_000;
/** While no node answers, a known session counts as live for this time. */
export const OUTAGE_GRACE_MS = 60_000;
/** After a failed check, the next one waits at least this time. */
const PAUSE_MS = 1_000;

/** Subject of a change that may concern all users, as one of a role does. */
export const EVERYBODY = "everybody";

export interface LiveSession {
  id: string;
  userId: string;
  roles: readonly string[];
  /** What the user may do as staff. */
  scopes?: readonly Scope[] | undefined;
}

type Claims = Pick<AccessTokenClaims, "sid" | "sub" | "roles">;

interface Known {
  /** Undefined when there is no such session (any more). */
  session: LiveSession | undefined;
  askedAt: number;
}

interface Question {
  id: string;
  answered(known: Known): void;
  failed(error: unknown): void;
}

export interface LiveSessions {
  /**
   * @returns the session, with what its user may do now
   * @throws {SoukError} UNAUTHENTICATED when the session is not live
   * @throws any error of `ask`, when nothing is known and no node answers
   */
  check(claims: Claims): Promise<LiveSession>;
  /** A session, all sessions of a user, or all of them ({@link EVERYBODY}) have changed. @param subject id of either */
  changed(subject: string): void;
}

/** @param ask returns which of these sessions are live */
export function createLiveSessions(
  ask: (ids: string[]) => Promise<readonly LiveSession[]>,
  clock: Clock,
  cacheSize = 20_000,
): LiveSessions {
  const known = growingCache<Known>(cacheSize);
  const pending = new Map<string, Promise<Known>>();
  let changes = 0;
  let pausedUntil = 0;

  const questions = new Batcher<Question>(async (group) => {
    const [askedAt, changesBefore] = [clock.now(), changes];
    try {
      const live = new Map((await ask(group.map((it) => it.id))).map((it) => [it.id, it]));
      // A change during the check may concern one of these. The answer serves the waiting requests, and is checked
      // again.
      const from = changes === changesBefore ? askedAt : askedAt - FRESH_MS;
      for (const { id, answered } of group) answered({ session: live.get(id), askedAt: from });
    } catch (error) {
      pausedUntil = clock.now() + PAUSE_MS;
      for (const { failed } of group) failed(error);
    }
  });

  function refresh(id: string): Promise<Known> {
    const underWay = pending.get(id);
    if (underWay) return underWay;
    const asking = new Promise<Known>((answered, failed) => questions.add({ id, answered, failed }))
      .then((it) => {
        known.set(id, it);
        return it;
      })
      .finally(() => pending.delete(id));
    pending.set(id, asking);
    return asking;
  }

  async function look(id: string): Promise<Known> {
    const last = known.get(id);
    const age = last ? clock.now() - last.askedAt : Number.POSITIVE_INFINITY;
    if (last && age < AGEING_MS) return last;
    const paused = clock.now() < pausedUntil;
    if (last && paused && age < OUTAGE_GRACE_MS) return last;
    const asking = refresh(id);
    if (last && age < FRESH_MS) {
      // This request does not wait. Requests that wait handle the failure.
      asking.catch(() => undefined);
      return last;
    }
    try {
      return await asking;
    } catch (error) {
      if (last && age < OUTAGE_GRACE_MS) return last;
      throw error;
    }
  }

  return {
    async check({ sid, sub, roles }) {
      const { session } = await look(sid);
      if (session?.userId === sub && roles.every((it) => session.roles.includes(it))) return session;
      throw new SoukError("UNAUTHENTICATED", "The session of this access token has ended.");
    },
    changed(subject) {
      changes++;
      if (subject === EVERYBODY) {
        known.clear();
        pending.clear();
        return;
      }
      const wasKnown = known.delete(subject);
      const wasAsked = pending.delete(subject);
      // The subject is a session. No user has its id.
      if (wasKnown || wasAsked) return;
      for (const [id, { session }] of known.entries()) if (session?.userId === subject) known.delete(id);
    },
  };
}
