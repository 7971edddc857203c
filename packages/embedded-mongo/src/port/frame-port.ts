/**
 * Frames of the wire protocol between two threads. All frames that are sent in one turn of the event loop go out as
 * one message. So a wake-up of the other thread is paid once for many commands.
 */
import { type MessagePort, receiveMessageOnPort } from "node:worker_threads";

/** A frame in pieces, and the connection that it belongs to. */
interface Outgoing {
  readonly connection: number;
  readonly parts: readonly Uint8Array[];
}

/** Bytes before each frame: the number of its connection. */
const prefix = 4;

export class FramePort {
  private readonly port: MessagePort;
  private readonly receive: (connection: number, frame: Buffer) => void;
  private outgoing: Outgoing[] = [];
  private size = 0;

  /** @param receive called for each frame, in the order in which they were sent */
  constructor(port: MessagePort, receive: (connection: number, frame: Buffer) => void) {
    this.port = port;
    this.receive = receive;
    port.on("message", (message: Uint8Array) => this.take(message));
    // A process ends when nothing but ports is left. Connections have sockets, which keep it.
    port.unref();
  }

  /** @param parts the frame in pieces, each unchanged until the end of this turn of the event loop */
  send(connection: number, parts: readonly Uint8Array[]): void {
    this.outgoing.push({ connection, parts });
    for (const part of parts) this.size += part.length;
    this.size += prefix;
    if (this.outgoing.length === 1) setImmediate(() => this.flush());
  }

  private take(message: Uint8Array): void {
    const bytes = Buffer.from(message.buffer, message.byteOffset, message.byteLength);
    for (let at = 0; at < bytes.length; ) {
      const start = at + prefix;
      const end = start + bytes.readInt32LE(start);
      this.receive(bytes.readInt32LE(at), bytes.subarray(start, end));
      at = end;
    }
  }

  /** Receives what has already arrived, before the event loop comes to it. */
  receiveArrived(): void {
    for (let next = receiveMessageOnPort(this.port); next; next = receiveMessageOnPort(this.port))
      this.take(next.message);
  }

  /** Sends what waits for the end of this turn. */
  flush(): void {
    if (this.outgoing.length === 0) return;
    const bytes = Buffer.allocUnsafeSlow(this.size);
    let at = 0;
    for (const { connection, parts } of this.outgoing) {
      at = bytes.writeInt32LE(connection, at);
      for (const part of parts) {
        bytes.set(part, at);
        at += part.length;
      }
    }
    this.outgoing = [];
    this.size = 0;
    this.port.postMessage(bytes, [bytes.buffer]);
  }

  close(): void {
    this.port.close();
  }
}
