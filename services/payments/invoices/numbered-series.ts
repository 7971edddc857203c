/**
 * Documents numbered 1, 2, 3… per year, without gaps or repeats, on any number of nodes and after any crash. A number
 * exists only as part of its document. The document is inserted with the last number plus one. The unique index on
 * year and number lets one of several succeed; the others read again.
 *
 * Documents that wait in this process are numbered together, in one ordered insert. It ends at the first refused
 * document. Documents before that one are stored. Those after it get new numbers.
 *
 * A process that is alone with a series remembers its last number instead of reading it. The unique index makes that
 * safe: a number that another process has used meanwhile is refused, and then the last number is read.
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
/** A remembered number that is older is read again, in milliseconds. */
const REMEMBER_MS = 10_000;

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

/** The last number of a year, or the next one. */
interface Position {
  /** Milliseconds since the epoch. */
  at: number;
  day: string;
  year: number;
  seq: number;
}

/** The day at a time, as `2026-12-31`. */
export type DayOf = (at: number) => string;

/** The format is made for the first day, because it loads ICU's data. It is kept, because making it takes long. */
export function dayIn(timeZone: string): DayOf {
  let days: Intl.DateTimeFormat | undefined;
  return (at) => {
    days ??= new Intl.DateTimeFormat("en-CA", { timeZone, dateStyle: "short" });
    return days.format(at);
  };
}

interface Waiting<T> {
  id: string;
  make(place: Place): T;
  done(): void;
  failed(error: unknown): void;
}

interface Options<T extends Numbered> {
  collection: Pick<Collection<T>, "find" | "insertMany">;
  prefix: string;
  /** In the seller's time zone. At the end of a year, the day decides the series of a document. */
  dayOf: DayOf;
  clock: Clock;
}

export class NumberedSeries<T extends Numbered> {
  readonly #options: Options<T>;
  readonly #waiting: Waiting<T>[] = [];
  #working = false;
  /** The position of the last document that this process has added, and when it was added. */
  #own: (Position & { since: number }) | undefined;
  /** Whether no other process seems to add documents. */
  #alone = false;

  constructor(options: Options<T>) {
    this.#options = options;
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
    const { collection, clock } = this.#options;
    const next = await this.#next();
    const documents = group.map((it, index) => it.make(this.#place(next, index)));
    const added = (count: number) => {
      if (count > 0) this.#own = { ...next, seq: next.seq + count - 1, since: clock.now() };
      for (const it of group.slice(0, count)) it.done();
    };
    try {
      await collection.insertMany(documents as OptionalUnlessRequiredId<T>[], { ordered: true });
    } catch (thrown) {
      const error = bulkFailure(thrown);
      const refused = error instanceof MongoBulkWriteError ? [error.writeErrors].flat()[0] : undefined;
      if (refused?.code !== DUPLICATE_KEY) {
        // The numbers may be used now.
        this.#alone = false;
        throw error;
      }
      added(refused.index);
      const taken = (refused.errmsg ?? "").includes(`index: ${SERIES_INDEX} `);
      if (taken) this.#alone = false;
      else group[refused.index]?.done();
      return group.slice(taken ? refused.index : refused.index + 1);
    }
    added(group.length);
    return [];
  }

  async #next(): Promise<Position> {
    const { clock, dayOf } = this.#options;
    const now = clock.now();
    const today = dayOf(now);
    const year = Number(today.slice(0, 4));
    const last = this.#remembered(year, now) ?? (await this.#last(year));
    if (!last) return { at: now, day: today, year, seq: 1 };
    return last.at > now ? { ...last, seq: last.seq + 1 } : { at: now, day: today, year, seq: last.seq + 1 };
  }

  #remembered(year: number, now: number): Position | undefined {
    const own = this.#own;
    const isFresh = own && own.year === year && Math.abs(now - own.since) < REMEMBER_MS;
    return this.#alone && isFresh ? own : undefined;
  }

  async #last(year: number): Promise<Position | undefined> {
    const [last] = await this.#options.collection
      .find({ year } as Filter<T>, { projection: { seq: 1, issuedAt: 1, issuedOn: 1 } })
      .sort({ seq: -1 })
      .limit(1)
      .toArray();
    this.#alone = last !== undefined && last.seq === this.#own?.seq && year === this.#own.year;
    return last && { at: Date.parse(last.issuedAt), day: last.issuedOn, year, seq: last.seq };
  }

  #place({ at, day, year, seq }: Position, index: number): Place {
    const own = seq + index;
    const number = `${this.#options.prefix}${year}-${String(own).padStart(6, "0")}`;
    return { year, seq: own, number, issuedAt: new Date(at).toISOString(), issuedOn: day };
  }
}
