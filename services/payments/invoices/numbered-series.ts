/**
 * Documents numbered 1, 2, 3… per year, without a gap or a repeat, on any number of nodes and whatever dies when. A
 * number exists only as part of its document: the document is inserted with the number after the last one, and the
 * unique index on year and number lets one of several win; the others look again. What waits in this process is
 * numbered together, in one ordered insert, which ends at the first document that is refused: what came before it
 * stands, what comes after it is numbered anew.
 */
import { type Collection, MongoBulkWriteError } from "mongodb";
import { bulkFailure } from "../../../broker/mongo/write-group.ts";
import type { Clock } from "../../../broker/resilience/clock.ts";

/** Name of the unique index on year and seq, in every such collection. */
export const SERIES_INDEX = "series";
const MAX_GROUP = 100;
/** Every failed try means that another node has numbered something; beyond, the message waits for its turn. */
const MAX_TRIES = 200;

/** Where a document stands in its series. */
export interface Place {
  year: number;
  seq: number;
  /** `2026-000001`, with the prefix of the series. */
  number: string;
  /** ISO 8601. Never before that of the number before, even where clocks of nodes differ. */
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

/** Days as `2026-12-31`. */
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
  /** Decides the day and, at the turn of the year, which series a document belongs to. */
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
   * Adds a document under the next number; where there is one with this id already, nothing is added.
   * @throws what the driver throws; then nobody knows whether it was added, and adding it again is right
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
        // Those that were added before have been told so.
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

  /** @returns those that have to be numbered anew */
  async #addSome(group: readonly Waiting<T>[]): Promise<readonly Waiting<T>[]> {
    const { collection } = this.#options;
    const first = await this.#next();
    const documents = group.map((it, index) => it.make(this.#place(first, index)));
    try {
      await collection.insertMany(documents as never, { ordered: true });
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
      .find({ year } as never, { projection: { seq: 1, issuedAt: 1, issuedOn: 1 } })
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

const DUPLICATE_KEY = 11_000;
