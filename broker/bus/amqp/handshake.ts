/**
 * Adds the reason to a failed handshake. amqplib passes on RabbitMQ's text only for a wrong password, and never the
 * answer of another kind of server. With this, the error has RabbitMQ's code and text. `UnlikeAmqpError` says that
 * the server speaks another protocol.
 */
import { createRequire } from "node:module";

interface Frame {
  id?: number;
  fields?: { replyCode?: number; replyText?: string };
}
type OpenCallback = (error: Error | null, ok?: unknown) => void;
interface Handshake {
  /** Received bytes that are not a complete frame yet. */
  rest: Buffer;
  recvFrame(): Frame | false;
  open(fields: object, callback: OpenCallback): void;
}

// amqplib does not export these, and has no option for this.
const require = createRequire(import.meta.url);
const { Connection } = require("amqplib/lib/connection") as { Connection: { prototype: Handshake } };
const { ConnectionClose } = require("amqplib/lib/defs") as { ConnectionClose: number };

/** The server at the address is no AMQP server. The message names its protocol. */
export class UnlikeAmqpError extends Error {
  override readonly name = "UnlikeAmqpError";
}

/** RabbitMQ ended the handshake. `code` is AMQP's: 403, 530. */
export class HandshakeRefusedError extends Error {
  override readonly name = "HandshakeRefusedError";
  readonly code: number;

  constructor(code: number, text: string) {
    super(text);
    this.code = code;
  }
}

let done = false;

/**
 * Patches amqplib for the whole process. Call it before the first connection. @throws Error where amqplib is not the
 * version that this patch was made for
 */
export function explainHandshakes(): void {
  if (done) return;
  const { open, recvFrame } = Connection.prototype;
  if (typeof open !== "function" || typeof recvFrame !== "function" || typeof ConnectionClose !== "number")
    throw new Error("amqplib is not the version that handshake.ts was made for");
  Connection.prototype.open = function (fields, callback) {
    let refusal: Error | undefined;
    this.recvFrame = () => {
      const frame = recvFrame.call(this);
      if (frame && frame.id === ConnectionClose)
        refusal = new HandshakeRefusedError(frame.fields?.replyCode ?? 0, frame.fields?.replyText ?? "");
      return frame;
    };
    open.call(this, fields, (error, ok) => {
      this.recvFrame = recvFrame;
      callback(error && (refusal ?? unlike(this.rest) ?? error), ok);
    });
  };
  done = true;
}

const TLS_ALERT = 0x15;

function unlike(rest: Buffer): Error | undefined {
  if (rest[0] === TLS_ALERT && rest[1] === 3) return new UnlikeAmqpError("speaks TLS: use amqps://");
  if (rest.subarray(0, 5).toString("latin1") === "HTTP/") return new UnlikeAmqpError("speaks HTTP, not AMQP");
  return undefined;
}
