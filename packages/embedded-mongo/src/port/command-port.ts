/** Commands to a store that runs in a thread of this process, and their replies. */
import type { MessagePort } from "node:worker_threads";
import { FramePort } from "./frame-port.ts";

interface Waiting {
  resolve(reply: Buffer): void;
  reject(reason: StoreEnded): void;
}

/** The store has ended. Whether a command was run is unknown. */
export class StoreEnded extends Error {}

/** Where a reply's document starts: after the header, the flags and the kind of the only section. */
const documentAt = 21;

export class CommandPort {
  private readonly frames: FramePort;
  private readonly waiting = new Map<number, Waiting>();
  private lastRequest = 0;
  private ended = false;

  constructor(port: MessagePort) {
    this.frames = new FramePort(port, (frame) =>
      this.take(frame.readInt32LE(8))?.resolve(frame.subarray(documentAt)),
    );
  }

  /**
   * Sends a command, together with all others of this turn of the event loop.
   * @param message gets its number here
   * @returns the document of the reply
   * @throws {StoreEnded}
   */
  ask(message: Buffer): Promise<Buffer> {
    if (this.ended) return Promise.reject(new StoreEnded("the store has ended"));
    return new Promise((resolve, reject) => {
      this.lastRequest = (this.lastRequest + 1) & 0x7fffffff;
      message.writeInt32LE(this.lastRequest, 4);
      this.waiting.set(this.lastRequest, { resolve, reject });
      if (this.frames.add(message) === 1) setImmediate(() => this.frames.flush());
    });
  }

  private take(request: number): Waiting | undefined {
    const found = this.waiting.get(request);
    this.waiting.delete(request);
    return found;
  }

  /** The store's thread has ended. What it has answered before still counts. */
  end(): void {
    this.ended = true;
    this.frames.receiveArrived();
    this.frames.close();
    for (const { reject } of this.waiting.values()) reject(new StoreEnded("the store has ended"));
    this.waiting.clear();
  }
}

/** The stores that run in threads of this process, by URI. */
export const commandPorts = new Map<string, CommandPort>();
