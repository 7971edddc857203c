/**
 * Writes messages to the end of the log, each once. The number of the next block is the lock: of two writers that know
 * the same end of the log, one inserts its block, and the other one looks again.
 */
import type { Tapped } from "../../../broker/bus/bus.ts";
import type { Envelope } from "../../../broker/contract/envelope.ts";
import { isDuplicateKey } from "../../../broker/mongo/duplicate-key.ts";
import type { Clock } from "../../../broker/resilience/clock.ts";
import type { PersonKeys } from "../personal/keys.ts";
import { ERASED, personOf } from "../personal/person-of.ts";
import { seal } from "../personal/seal.ts";
import { blockOf, type Draft, type Head, headOf } from "./block.ts";
import type { Blocks } from "./blocks.ts";
import { dayOf, NOTHING, startOf } from "./chain.ts";

/** A document has 16 MiB at most. One message is far smaller. */
const MAX_CHARACTERS = 2 * 1024 * 1024;

export interface AppendTools {
  readonly blocks: Blocks;
  readonly keys: PersonKeys;
  readonly clock: Clock;
  /** For tests of crashes: called around the one write. */
  readonly crashPoints?: (point: "before-insert" | "after-insert" | "before-destroy") => Promise<void>;
}

export class Appender {
  readonly #tools: AppendTools;
  #head: Head | undefined;

  constructor(tools: AppendTools) {
    this.#tools = tools;
  }

  /** Resolves when all of them are in the log, now or before. @throws when the database is away */
  async append(batch: readonly Tapped[]): Promise<void> {
    const { keys, crashPoints } = this.#tools;
    const drafts = await this.#drafts([...new Map(batch.map((it) => [it.message.id, it])).values()]);
    for (const some of inBlocks(drafts)) await this.#insert(some);
    for (const { message } of batch)
      if (message.type === ERASED) {
        await crashPoints?.("before-destroy");
        await keys.destroy(erasedBy(message));
      }
  }

  async #drafts(batch: readonly Tapped[]): Promise<Draft[]> {
    const persons = batch.map(({ message }) => personOf(message));
    const keys = await this.#tools.keys.forWriting(persons.flatMap((it) => it ?? []));
    return batch.map(({ message, applied }, index) => {
      const { specversion, datacontenttype, data, ...rest } = message;
      const person = persons[index];
      const key = person === undefined ? undefined : keys.get(person);
      return {
        ...rest,
        ...(applied ? { applied } : {}),
        ...actorOf(message),
        ...(person !== undefined && key ? { sealed: seal(person, key, message.id, data) } : { data }),
      };
    });
  }

  async #insert(drafts: readonly Draft[]): Promise<void> {
    const { blocks, crashPoints } = this.#tools;
    for (let left = drafts; left.length > 0; ) {
      const head = this.#head ?? (await this.#readHead());
      // Unknown until the write has succeeded.
      this.#head = undefined;
      const block = blockOf(left, ...this.#placeBehind(head));
      await crashPoints?.("before-insert");
      try {
        await blocks.insert(block);
        await crashPoints?.("after-insert");
        this.#head = headOf(block);
        return;
      } catch (error) {
        if (!isDuplicateKey(error)) throw error;
        const known = await blocks.known(block.ids);
        left = left.filter((it) => !known.has(it.id));
      }
    }
  }

  async #readHead(): Promise<Head | undefined> {
    const last = await this.#tools.blocks.last();
    return last && headOf(last);
  }

  /** Time does not run backwards in the log, whatever the writers' clocks say. */
  #placeBehind(
    head: Head | undefined,
  ): [place: { _id: number; day: string; first: number; at: number }, prev: Buffer] {
    const at = Math.max(this.#tools.clock.now(), head?.at ?? 0);
    const day = dayOf(at);
    const _id = (head?.block ?? 0) + 1;
    if (head?.day === day) return [{ _id, day, first: head.seq + 1, at }, head.hash];
    return [{ _id, day, first: 1, at }, startOf(day, head?.hash ?? NOTHING)];
  }
}

function* inBlocks(drafts: readonly Draft[]): Iterable<readonly Draft[]> {
  let some: Draft[] = [];
  let characters = 0;
  for (const draft of drafts) {
    const size = draft.sealed?.box.length ?? JSON.stringify(draft.data ?? null).length;
    if (some.length > 0 && characters + size > MAX_CHARACTERS) {
      yield some;
      [some, characters] = [[], 0];
    }
    some.push(draft);
    characters += size;
  }
  if (some.length > 0) yield some;
}

/** Who did it, where the message says what a person or a key did. */
function actorOf({ type, data }: Envelope): { actor?: string } {
  if (type !== "staff.acted" || typeof data !== "object" || data === null) return {};
  const actor: unknown = Reflect.get(data, "actor");
  const id: unknown = typeof actor === "object" && actor !== null ? Reflect.get(actor, "id") : undefined;
  return typeof id === "string" ? { actor: id } : {};
}

function erasedBy({ subject, data }: Envelope): string {
  const userId: unknown = typeof data === "object" && data !== null ? Reflect.get(data, "userId") : undefined;
  return typeof userId === "string" ? userId : subject;
}
