/**
 * Documents numbered 1, 2, 3… per year, without gaps or repeats, on any number of nodes and after any crash. A number
 * exists only as part of its document. The document is inserted with the last number plus one. The unique index on
 * year and number lets one of several succeed; the others read again.
 *
 * Documents that wait in this process are numbered together, in one ordered insert. It ends at the first refused
 * document. Documents before that one are stored. Those after it get new numbers.
 */
import { type Collection, type Filter, MongoBulkWriteError, type OptionalUnlessRequiredId } from "mongodb";
import { DUPLICATE_KEY } from "../../../broker/mongo/duplicate-key.ts";
import { bulkFailure } from "../../../broker/mongo/write-group.ts";
import type { Clock } from "../../../broker/resilience/clock.ts";

/** Name of the unique index on year and seq, in every such collection. */
export const SERIES_INDEX = "series";
const MAX_GROUP = 100;
/** Every failed try means that another node has used the number. After this many, the message is retried later. */
const MAX_TRIES = 200;

/** The position of a document in its series. */
export interface Place {
  year: number;
  seq: number;
  /** `2026-000001`, with the prefix of the series. */
  number: string;
  /** ISO 8601. Never earlier than that of the previous number, even if clocks of nodes differ. */
  issuedAt: string;
  /** The day in the seller's time zone: `2026-12-31`. */
  issuedOn: string;
}

export interface Numbered extends Place {
  _id: string;
}

interface Next {
  /** Milliseconds since the epoch. */
  at: number;
  day: string;
  year: number;
  seq: number;
}

/** Formats days as `2026-12-31`. */
export const dayIn = (timeZone: string): Intl.DateTimeFormat =>
  new Intl.DateTimeFormat("en-CA", { timeZone, dateStyle: "short" });

interface Waiting<T> {
  id: string;
  make(place: Place): T;
  done(): void;
  failed(error: unknown): void;
}

interface Options<T extends Numbered> {
  collection: Pick<Collection<T>, "find" | "insertMany">;
  prefix: string;
  /** Decides the day, and at the end of a year the series of a document. */
  timeZone: string;
  clock: Clock;
}

export class NumberedSeries<T extends Numbered> {
  readonly #options: Options<T>;
  readonly #days: Intl.DateTimeFormat;
  readonly #waiting: Waiting<T>[] = [];
  #working = false;

  constructor(options: Options<T>) {
    this.#options = options;
    this.#days = dayIn(options.timeZone);
  }

  /**
   * Adds a document with the next number. Adds nothing where a document with this id exists.
   * @throws the driver's error; whether it was added is then unknown, and adding it again is safe
   */
  add(id: string, make: (place: Place) => Omit<T, keyof Numbered>): Promise<void> {
    return new Promise((done, failed) => {
      this.#waiting.push({ id, make: (place) => ({ _id: id, ...place, ...make(place) }) as T, done, failed });
      if (this.#working) return;
      this.#working = true;
      setImmediate(() => void this.#work());
    });
  }

  async #work(): Promise<void> {
    while (this.#waiting.length > 0) {
      const group = this.#waiting.splice(0, MAX_GROUP);
      try {
        await this.#addAll(group);
      } catch (error) {
        // Documents that were added before have already been reported.
        for (const it of group) it.failed(error);
      }
    }
    this.#working = false;
  }

  async #addAll(group: readonly Waiting<T>[]): Promise<void> {
    let left = group;
    for (let tries = 0; left.length > 0; tries++) {
      if (tries >= MAX_TRIES + group.length) throw new Error("other nodes take every number: try later");
      left = await this.#addSome(left);
    }
  }

  /** @returns those that need a new number */
  async #addSome(group: readonly Waiting<T>[]): Promise<readonly Waiting<T>[]> {
    const { collection } = this.#options;
    const first = await this.#next();
    const documents = group.map((it, index) => it.make(this.#place(first, index)));
    try {
      await collection.insertMany(documents as OptionalUnlessRequiredId<T>[], { ordered: true });
    } catch (thrown) {
      const error = bulkFailure(thrown);
      if (!(error instanceof MongoBulkWriteError)) throw error;
      const [refused] = [error.writeErrors].flat();
      if (refused?.code !== DUPLICATE_KEY) throw error;
      for (const it of group.slice(0, refused.index)) it.done();
      const taken = (refused.errmsg ?? "").includes(`index: ${SERIES_INDEX} `);
      if (!taken) group[refused.index]?.done();
      return group.slice(taken ? refused.index : refused.index + 1);
    }
    for (const it of group) it.done();
    return [];
  }

  async #next(): Promise<Next> {
    const { collection, clock } = this.#options;
    const now = clock.now();
    const today = this.#days.format(now);
    const year = Number(today.slice(0, 4));
    const [last] = await collection
      .find({ year } as Filter<T>, { projection: { seq: 1, issuedAt: 1, issuedOn: 1 } })
      .sort({ seq: -1 })
      .limit(1)
      .toArray();
    if (!last) return { at: now, day: today, year, seq: 1 };
    const lastAt = Date.parse(last.issuedAt);
    return lastAt > now
      ? { at: lastAt, day: last.issuedOn, year, seq: last.seq + 1 }
      : { at: now, day: today, year, seq: last.seq + 1 };
  }

  #place({ at, day, year, seq }: Next, index: number): Place {
    const own = seq + index;
    const number = `${this.#options.prefix}${year}-${String(own).padStart(6, "0")}`;
    return { year, seq: own, number, issuedAt: new Date(at).toISOString(), issuedOn: day };
  }
}
