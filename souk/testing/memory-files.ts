/** Files in memory, for tests. */
import { checkName, type Files } from "../../broker/files/files.ts";

export function memoryFiles(): Files {
  const kept = new Map<string, Buffer>();
  return {
    async put(name, bytes) {
      kept.set(checkName(name), Buffer.from(bytes));
    },
    async get(name) {
      return kept.get(checkName(name));
    },
    async remove(name) {
      kept.delete(checkName(name));
    },
    async *list(prefix) {
      for (const name of [...kept.keys()]) if (name.startsWith(prefix)) yield name;
    },
  };
}
