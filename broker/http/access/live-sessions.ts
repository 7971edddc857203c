/**
 * Whether the session of an access token is live. A live session has not ended. Its account exists, is not blocked,
 * and has the roles in the token.
 */
import type { Scope } from "../../contract/contract.ts";
import { SoukError } from "../../contract/errors.ts";
import type { Clock } from "../../resilience/clock.ts";
import type { AccessTokenClaims } from "./access-token.ts";
import { createLiveAnswers } from "./live-answers.ts";

export interface LiveSession {
  id: string;
  userId: string;
  roles: AccessTokenClaims["roles"];
  /** What the user may do as staff. */
  scopes?: readonly Scope[] | undefined;
}

type Claims = Pick<AccessTokenClaims, "sid" | "sub" | "roles">;

export interface LiveSessions {
  /**
   * @returns the session, with what its user may do now
   * @throws {SoukError} UNAUTHENTICATED when the session is not live
   * @throws any error of `ask`, when nothing is known and no node answers
   */
  check(claims: Claims): Promise<LiveSession>;
  /** A session, all sessions of a user, or those of everybody have changed. @param subject id of a session or user */
  changed(subject: string): void;
}

/** @param ask returns which of these sessions are live */
export function createLiveSessions(
  ask: (ids: string[]) => Promise<readonly LiveSession[]>,
  clock: Clock,
  cacheSize = 20_000,
): LiveSessions {
  const concerns = (subject: string, { userId }: LiveSession) => userId === subject;
  const { look, changed } = createLiveAnswers({ ask, concerns, clock, cacheSize });
  return {
    async check({ sid, sub, roles }) {
      const session = await look(sid);
      if (session?.userId === sub && roles.every((it) => session.roles.includes(it))) return session;
      throw new SoukError("UNAUTHENTICATED", "The session of this access token has ended.");
    },
    changed,
  };
}
