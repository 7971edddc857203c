/**
 * Frames of the wire protocol between two threads. Many go as one message, so that the wake-up of the other thread is
 * paid once.
 */
import { type MessagePort, receiveMessageOnPort } from "node:worker_threads";

export class FramePort {
  private readonly port: MessagePort;
  private readonly receive: (frame: Buffer) => void;
  private outgoing: Buffer[] = [];

  /** @param receive called for each frame, in the order in which they were sent */
  constructor(port: MessagePort, receive: (frame: Buffer) => void) {
    this.port = port;
    this.receive = receive;
    port.on("message", (message: Uint8Array) => this.take(message));
    // Other handles of the thread decide how long it runs.
    port.unref();
  }

  /** Adds a frame to the next message. It must stay unchanged until then. @returns the number of its frames */
  add(frame: Buffer): number {
    return this.outgoing.push(frame);
  }

  /** Sends the frames that were added. */
  flush(): void {
    const { outgoing } = this;
    if (outgoing.length === 0) return;
    this.outgoing = [];
    const message = Buffer.allocUnsafeSlow(outgoing.reduce((size, it) => size + it.length, 0));
    let at = 0;
    for (const frame of outgoing) {
      message.set(frame, at);
      at += frame.length;
    }
    this.port.postMessage(message, [message.buffer]);
  }

  /** Receives what has already arrived, before the event loop comes to it. */
  receiveArrived(): void {
    for (let next = receiveMessageOnPort(this.port); next; next = receiveMessageOnPort(this.port))
      this.take(next.message);
  }

  private take(message: Uint8Array): void {
    const frames = Buffer.from(message.buffer, message.byteOffset, message.byteLength);
    for (let at = 0; at < frames.length; ) {
      const end = at + frames.readInt32LE(at);
      this.receive(frames.subarray(at, end));
      at = end;
    }
  }

  close(): void {
    this.port.close();
  }
}
