/** A store of dead letters for tests that need no database. */
import type { DeadLetter, DeadLetterStore } from "../../../broker/bus/local/dead-letters.ts";

export function memoryDeadLetters(): DeadLetterStore {
  const letters = new Map<string, DeadLetter>();
  const asked = new Set<string>();
  const select = (queue: string, ids?: readonly string[]) =>
    [...letters.values()].filter((it) => it.queue === queue && (!ids || ids.includes(it.message.id)));
  return {
    async add(letter) {
      asked.delete(letter.id);
      letters.delete(letter.id);
      letters.set(letter.id, letter);
    },
    async queues() {
      const counts = new Map<string, number>();
      for (const { queue } of letters.values()) counts.set(queue, (counts.get(queue) ?? 0) + 1);
      return [...counts].map(([queue, count]) => ({ queue, count }));
    },
    async list(queue, limit) {
      return select(queue).slice(0, limit);
    },
    async requestReplay(queue, ids) {
      const chosen = select(queue, ids);
      for (const { id } of chosen) asked.add(id);
      return chosen.length;
    },
    async requested(limit) {
      return [...letters.values()].filter(({ id }) => asked.has(id)).slice(0, limit);
    },
    async drop(queue, ids) {
      const chosen = select(queue, ids);
      for (const { id } of chosen) {
        letters.delete(id);
        asked.delete(id);
      }
      return chosen.length;
    },
  };
}
