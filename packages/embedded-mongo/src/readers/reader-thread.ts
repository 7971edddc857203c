/** One reader thread, as seen by the thread that writes. */
import { Worker } from "node:worker_threads";
import type { CursorElsewhere, CursorHolder } from "../cursors.ts";
import { StoreError } from "../errors.ts";
import type { Deadline } from "../query/deadline.ts";
import type { FromReader, OpenedCursor, ReaderData, ToReader } from "./messages.ts";

/** A read that a reader thread is to run. */
export interface Read {
  /** The command as it came from the client. */
  readonly frame: Buffer;
  readonly deadline: Deadline;
  /** The cursor that it goes on with. */
  readonly cursor: CursorElsewhere | undefined;
  /** Takes the answer in full, or the error to answer with. Called once, unless the read is stopped. */
  done(reply: Buffer | StoreError): void;
}

/** What becomes of a thread. */
export interface ThreadEvents {
  opened(cursor: OpenedCursor, thread: ReaderThread): void;
  closed(cursor: bigint): void;
  /** A read is done, so there may be room for another. */
  free(): void;
  /** The file can't be trusted. */
  damaged(what: string): void;
  /** It has ended: as it was told to, or by an error, after which its reads have failed. */
  ended(thread: ReaderThread): void;
}

/** Megabytes of objects that a thread has just made. Node's default would be more than a reader needs. */
const youngMb = 12;

export class ReaderThread implements CursorHolder {
  readonly place: number;
  private readonly worker: Worker;
  private readonly events: ThreadEvents;
  private readonly reads = new Map<number, Read>();
  private lastRead = 0;
  private ending = false;
  /** Resolves when the thread is gone. */
  readonly ended: Promise<void>;
  /** When it last had something to do, in milliseconds of `performance.now()`. */
  lastUsed = performance.now();

  /**
   * @param heapMb megabytes of JavaScript objects that it may hold; more ends it. Buffers are not part of it: the limits
   * of sorts and groups apply to them.
   */
  constructor(data: ReaderData, heapMb: number, events: ThreadEvents) {
    this.place = data.place;
    this.events = events;
    this.worker = new Worker(new URL("./reader-worker.ts", import.meta.url), {
      workerData: data,
      name: "mongo-reader",
      resourceLimits: { maxOldGenerationSizeMb: heapMb, maxYoungGenerationSizeMb: youngMb },
    });
    this.worker.on("message", (message: FromReader) => this.take(message));
    // Its end follows.
    this.worker.on("error", (error) =>
      process.emitWarning(`a reader thread of the embedded store failed: ${error}`),
    );
    this.ended = new Promise((resolve) => {
      this.worker.once("exit", () => {
        this.hasEnded();
        resolve();
      });
    });
  }

  /** Reads that it has been given. */
  get load(): number {
    return this.reads.size;
  }

  /** Whether it takes reads. */
  get isOpen(): boolean {
    return !this.ending;
  }

  run(read: Read): void {
    const number = ++this.lastRead;
    this.reads.set(number, read);
    const frame = new Uint8Array(read.frame);
    this.post({ kind: "run", read: number, frame, left: read.deadline.remaining() }, [frame.buffer]);
  }

  /** Stops a read whose client is gone. Does nothing where it has not got it. */
  stop(read: Read): void {
    for (const [number, other] of this.reads) {
      if (other !== read) continue;
      this.reads.delete(number);
      this.post({ kind: "stop", read: number });
      this.events.free();
    }
  }

  closeCursor(id: bigint): void {
    this.post({ kind: "close cursor", id });
  }

  /** Ends the thread, once it has done its turn. */
  end(): void {
    this.ending = true;
    this.post({ kind: "end" });
  }

  private post(message: ToReader, handedOver: ArrayBuffer[] = []): void {
    this.lastUsed = performance.now();
    this.worker.postMessage(message, handedOver);
  }

  private take(message: FromReader): void {
    if (message.kind === "damaged") {
      this.events.damaged(message.what);
      return;
    }
    this.lastUsed = performance.now();
    const read = this.reads.get(message.read);
    this.reads.delete(message.read);
    for (const cursor of message.opened) {
      if (read === undefined) this.closeCursor(cursor.id);
      else this.events.opened(cursor, this);
    }
    for (const id of message.closed) this.events.closed(id);
    const { buffer, byteOffset, byteLength } = message.frame;
    read?.done(Buffer.from(buffer, byteOffset, byteLength));
    this.events.free();
  }

  private hasEnded(): void {
    this.ending = true;
    const lost = [...this.reads.values()];
    this.reads.clear();
    this.events.ended(this);
    for (const read of lost) read.done(lostError());
  }
}

/** Drivers run a read again that fails with this (HostUnreachable), once. */
export const lostError = (): StoreError => new StoreError(6, "the thread that ran this read has ended");
