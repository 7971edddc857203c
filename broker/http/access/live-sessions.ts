/**
 * Whether the session that an access token was made for still stands: not ended, its account there, not blocked, with
 * the roles that the token names. What is known is good for {@link FRESH_MS}; whoever ends a session notifies, so that
 * usually it is known at once. Sessions that are used all the time are asked about beforehand, many in one call, so
 * that hardly any request waits for it.
 */
import { LRUCache } from "lru-cache";
import { SoukError } from "../../contract/errors.ts";
import { Batcher } from "../../mongo/batcher.ts";
import type { Clock } from "../../resilience/clock.ts";
import type { AccessTokenClaims } from "./access-token.ts";

/** A session may have ended this long ago at most when a request of it is still served; if its notification got lost. */
export const FRESH_MS = 10_000;
/** Older than this it is asked about again, while the request goes on. */
const AGEING_MS = 5_000;
/** While nobody can be asked, what was known is good for so long. */
export const AWAY_MS = 60_000;
/** After a question that was not answered, the next one is asked no sooner. */
const PAUSE_MS = 1_000;

export interface LiveSession {
  id: string;
  userId: string;
  roles: readonly string[];
}

type Claims = Pick<AccessTokenClaims, "sid" | "sub" | "roles">;

interface Known {
  /** undefined when there is no such session (any more). */
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
   * @throws {SoukError} UNAUTHENTICATED when the session does not stand
   * @throws whatever `ask` throws, when nothing is known and nobody can be asked
   */
  check(claims: Claims): Promise<void>;
  /** A session, or all of a user, have changed. @param subject id of either */
  changed(subject: string): void;
}

/** @param ask which of these sessions are live */
export function createLiveSessions(
  ask: (ids: string[]) => Promise<readonly LiveSession[]>,
  clock: Clock,
  cacheSize = 20_000,
): LiveSessions {
  const known = new LRUCache<string, Known>({ max: cacheSize });
  const pending = new Map<string, Promise<Known>>();
  let changes = 0;
  let pausedUntil = 0;

  const questions = new Batcher<Question>(async (group) => {
    const [askedAt, changesBefore] = [clock.now(), changes];
    try {
      const live = new Map((await ask(group.map((it) => it.id))).map((it) => [it.id, it]));
      // What changed meanwhile may have been one of these: good for the requests that wait, and asked about again.
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
    if (last && paused && age < AWAY_MS) return last;
    const asking = refresh(id);
    if (last && age < FRESH_MS) {
      // The request does not wait; what becomes of the question is seen by those that do.
      asking.catch(() => undefined);
      return last;
    }
    try {
      return await asking;
    } catch (error) {
      if (last && age < AWAY_MS) return last;
      throw error;
    }
  }

  return {
    async check({ sid, sub, roles }) {
      const { session } = await look(sid);
      if (session?.userId === sub && roles.every((it) => session.roles.includes(it))) return;
      throw new SoukError("UNAUTHENTICATED", "The session of this access token has ended.");
    },
    changed(subject) {
      changes++;
      const wasKnown = known.delete(subject);
      const wasAsked = pending.delete(subject);
      // A session: no user has its id.
      if (wasKnown || wasAsked) return;
      for (const [id, { session }] of known.entries()) if (session?.userId === subject) known.delete(id);
    },
  };
}
