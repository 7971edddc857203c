/**
 * Reads and writes of actor documents in groups. Requests that wait for a command go out together in the next one. A
 * write is conditional on the version. Each caller learns whether its own write succeeded.
 */

import { ReadGroup } from "../../../mongo/read-group.ts";
import { bulkFailure, WriteGroup } from "../../../mongo/write-group.ts";
import { COMMAND_TIMEOUT_MS, inTime } from "../../../resilience/deadline.ts";
import type { ActorDocument, LoadedActor } from "./actor-host.types.ts";
import type { ActorCollection } from "./actor-model.ts";
import { checkMaps, diff } from "./diff.ts";
import { Inbox } from "./inbox.ts";

/** Maximum number of actors, and of entries of all of them, in one command. */
const MAX_PULLS = 500;
const MAX_PULLED = 5_000;

/** Entries to remove from an actor's outbox. */
export interface Pull {
  actor: string;
  entries: readonly string[];
}

export class ActorStore<S extends object> {
  readonly #maps: readonly string[];
  readonly #collection: Pick<ActorCollection<S>, "bulkWrite">;
  readonly #timeoutMs: number;
  readonly #writes: WriteGroup;
  readonly #documents: ReadGroup<ActorDocument<S>>;
  readonly #commits: ReadGroup<Pick<ActorDocument<S>, "_id" | "commit">>;

  /**
   * @param maps see {@link diff}
   * @param timeoutMs see {@link WriteGroup}. A command that timed out may still be done later. It then meets the same
   * version check, and its commit has a unique name.
   */
  constructor(collection: ActorCollection<S>, maps: readonly string[] = [], timeoutMs = COMMAND_TIMEOUT_MS) {
    this.#maps = maps;
    this.#writes = new WriteGroup(collection, timeoutMs);
    this.#collection = collection;
    this.#timeoutMs = timeoutMs;
    this.#documents = new ReadGroup(collection, undefined, timeoutMs);
    this.#commits = new ReadGroup(collection, { commit: 1 }, timeoutMs);
  }

  /**
   * Resolves when the commits in flight have returned. Undefined when none is in flight. Other commits wait until
   * then.
   */
  get committing(): Promise<void> | undefined {
    return this.#writes.underWay;
  }

  /** The document as stored. Its state is not validated. */
  async load(id: string): Promise<LoadedActor<S> | null> {
    const stored = await this.#documents.get(id);
    return stored ? { ...stored, inbox: Inbox.of(stored.inbox) } : null;
  }

  /**
   * Writes `next` if the stored version is that of `previous` (null: if there is no document).
   * @returns whether it succeeded; also false where another commit followed at once, which reading again will show
   * @throws when the database is away (the write may have succeeded), or when it refuses this document
   */
  async commit(previous: LoadedActor<S> | null, next: LoadedActor<S>): Promise<boolean> {
    if (previous === null) return this.#create(next);
    const filter = { _id: next._id, version: previous.version };
    if (await this.#writes.update(filter, diff(previous, next, this.#maps))) return true;
    // By the totals, some conditional write of this group matched no document. The name of the last commit shows
    // which.
    return (await this.#commits.get(next._id))?.commit === next.commit;
  }

  /**
   * Whether the stored document still has this version. Reads one field, however large the document is.
   * @throws when the database is away
   */
  async isLatest({ _id, commit }: LoadedActor<S>): Promise<boolean> {
    return (await this.#commits.get(_id))?.commit === commit;
  }

  /**
   * Removes confirmed entries from outboxes, whatever their versions. It uses one update for many actors: ids are
   * unique, so no document has the entry of another.
   * @throws when the database is away; some may be removed anyway, and may be removed again
   */
  async pull(pulls: readonly Pull[]): Promise<void> {
    for (const some of commandsOf(pulls)) {
      const filter = { _id: { $in: some.map((it) => it.actor) } };
      const update = { $pull: { outbox: { id: { $in: some.flatMap((it) => it.entries) } } } };
      try {
        await inTime(this.#timeoutMs, this.#collection.bulkWrite([{ updateMany: { filter, update } }]));
      } catch (error) {
        throw bulkFailure(error);
      }
    }
  }

  async #create(document: LoadedActor<S>): Promise<boolean> {
    checkMaps(document.state, this.#maps);
    return this.#writes.insertNew({ ...document, inbox: document.inbox.toJSON() });
  }
}

function* commandsOf(pulls: readonly Pull[]): Iterable<readonly Pull[]> {
  let some: Pull[] = [];
  let entries = 0;
  for (const pull of pulls) {
    if (some.length === MAX_PULLS || (some.length > 0 && entries + pull.entries.length > MAX_PULLED)) {
      yield some;
      [some, entries] = [[], 0];
    }
    some.push(pull);
    entries += pull.entries.length;
  }
  if (some.length > 0) yield some;
}
