/**
 * What another service says of sessions and keys, kept for {@link FRESH_MS}. A change is announced, so it is usually known
 * at once. What is in constant use is asked for in advance, many in one call. So requests hardly ever wait.
 */

import { Batcher } from "../../mongo/batcher.ts";
import type { Clock } from "../../resilience/clock.ts";
import { growingCache } from "../../resilience/growing-cache.ts";

/** If an announcement is lost, a request of what has ended is served for at most this time. */
export const FRESH_MS = 10_000;
/** After this time it is asked for again, while the request continues. */
const AGEING_MS = 5_000;
/** While no node answers, what was live counts as live for this time. */
export const OUTAGE_GRACE_MS = 60_000;
/** After a failed check, the next one waits at least this time. */
const PAUSE_MS = 1_000;

/** Subject of a change that may concern all users, as one of a role does. */
export const EVERYBODY = "everybody";

interface Known<T> {
  /** Undefined when it is not live (any more). */
  answer: T | undefined;
  askedAt: number;
}

interface Question<T> {
  id: string;
  answered(known: Known<T>): void;
  failed(error: unknown): void;
}

export interface LiveAnswers<T> {
  /**
   * @returns undefined when it is not live
   * @throws any error of `ask`, when nothing is known and no node answers
   */
  look(id: string): Promise<T | undefined>;
  /** What is known without asking, however old. */
  known(id: string): T | undefined;
  /** @param subject id of what has changed, or {@link EVERYBODY} */
  changed(subject: string): void;
}

export interface LiveAnswersOptions<T> {
  /** Returns which of these are live. */
  ask(ids: string[]): Promise<readonly T[]>;
  /** Whether a change of this subject, which is no id of an answer, concerns an answer. */
  concerns(subject: string, answer: T): boolean;
  clock: Clock;
  /** How many answers are kept. */
  cacheSize: number;
}

export function createLiveAnswers<T extends { id: string }>({
  ask,
  concerns,
  clock,
  cacheSize,
}: LiveAnswersOptions<T>): LiveAnswers<T> {
  const known = growingCache<Known<T>>(cacheSize);
  const pending = new Map<string, Promise<Known<T>>>();
  let changes = 0;
  let pausedUntil = 0;

  const questions = new Batcher<Question<T>>(async (group) => {
    const [askedAt, changesBefore] = [clock.now(), changes];
    try {
      const live = new Map((await ask(group.map((it) => it.id))).map((it) => [it.id, it]));
      // A change during the check may concern one of these. The answer serves the waiting requests, and is checked
      // again.
      const from = changes === changesBefore ? askedAt : askedAt - FRESH_MS;
      for (const { id, answered } of group) answered({ answer: live.get(id), askedAt: from });
    } catch (error) {
      pausedUntil = clock.now() + PAUSE_MS;
      for (const { failed } of group) failed(error);
    }
  });

  function refresh(id: string): Promise<Known<T>> {
    const underWay = pending.get(id);
    if (underWay) return underWay;
    const asking = new Promise<Known<T>>((answered, failed) => questions.add({ id, answered, failed }))
      .then((it) => {
        known.set(id, it);
        return it;
      })
      .finally(() => pending.delete(id));
    pending.set(id, asking);
    return asking;
  }

  async function look(id: string): Promise<Known<T>> {
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
    look: async (id) => (await look(id)).answer,
    known: (id) => known.get(id)?.answer,
    changed(subject) {
      changes++;
      if (subject === EVERYBODY) {
        known.clear();
        pending.clear();
        return;
      }
      const wasKnown = known.delete(subject);
      const wasAsked = pending.delete(subject);
      // The subject is the id of an answer, and of nothing else. What was not live may be, for example of an account that
      // is not blocked any more.
      if (wasKnown || wasAsked) return;
      for (const [id, { answer }] of known.entries())
        if (!answer || concerns(subject, answer)) known.delete(id);
    },
  };
}
