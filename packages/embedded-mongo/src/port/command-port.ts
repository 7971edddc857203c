/** Commands to a store that runs in a thread of this process, and their replies. */
import type { MessagePort } from "node:worker_threads";
import { FramePort } from "./frame-port.ts";

interface Waiting {
  resolve(reply: Buffer): void;
  reject(reason: unknown): void;
}

/** Where a reply's document starts: after the header, the flags and the kind of the only section. */
const documentAt = 21;

export class CommandPort {
  private readonly waiting = new Map<number, Waiting>();
  private readonly frames: FramePort;

  constructor(port: MessagePort) {
    this.frames = new FramePort(port, (_connection, frame) => {
      this.take(frame.readInt32LE(8))?.resolve(frame.subarray(documentAt));
    });
  }

  /**
   * Sends a command and resolves with the document of its reply.
   * @param connection the store's number of an open connection
   * @param request the message's number, unique among all messages that wait
   */
  ask(connection: number, request: number, message: readonly Uint8Array[]): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.waiting.set(request, { resolve, reject });
      this.frames.send(connection, message);
    });
  }

  /** The connection of this message is lost. Unless its reply has arrived, it is unknown whether it was done. */
  abandon(request: number, reason: unknown): void {
    if (!this.waiting.has(request)) return;
    this.frames.receiveArrived();
    this.take(request)?.reject(reason);
  }

  private take(request: number): Waiting | undefined {
    const found = this.waiting.get(request);
    this.waiting.delete(request);
    return found;
  }

  close(): void {
    this.frames.close();
  }
}

/** The stores that run in threads of this process, by URI. */
export const commandPorts = new Map<string, CommandPort>();
