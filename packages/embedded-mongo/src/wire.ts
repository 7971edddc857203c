/** MongoDB's wire protocol: messages in and out of a byte stream. */
import { Elements, type Raw, rawDocument } from "./bson/raw.ts";
import { validateDocument } from "./bson/validate.ts";
import { type ConnectionInfo, Request } from "./commands/request.ts";
import { StoreError } from "./errors.ts";

const opReply = 1;
const opQuery = 2004;
const opMsg = 2013;
const headerLength = 16;
/** As `maxMessageSizeBytes` in `hello`. */
const maxMessage = 48_000_000;

const checksumPresent = 1;
const moreToCome = 2;

export interface Message {
  readonly id: number;
  /** All its bytes. */
  readonly frame: Buffer;
  readonly request: Request;
  /** False when the client wants no answer (`w: 0`). */
  readonly answered: boolean;
  readonly legacy: boolean;
}

/** A message whose envelope is readable but whose content is refused. The client gets the error. */
export interface BadMessage {
  readonly id: number;
  readonly error: StoreError;
  readonly legacy: boolean;
}

/** A stream that can't be parsed any longer. The connection must close. */
export class ProtocolError extends Error {}

/** Collects bytes and cuts them into frames. */
export class Frames {
  private parts: Buffer[] = [];
  private held = 0;
  private wanted = headerLength;

  /** Adds received bytes and returns the complete frames. Throws {@link ProtocolError}. */
  push(chunk: Buffer): Buffer[] {
    this.parts.push(chunk);
    this.held += chunk.length;
    const frames: Buffer[] = [];
    while (this.held >= this.wanted) {
      const buf = this.parts.length === 1 ? (this.parts[0] as Buffer) : Buffer.concat(this.parts);
      this.parts = [buf];
      const length = buf.readInt32LE(0);
      if (length < headerLength || length > maxMessage)
        throw new ProtocolError(`message length ${length} is out of bounds`);
      if (buf.length < length) {
        this.wanted = length;
        return frames;
      }
      frames.push(buf.subarray(0, length));
      const rest = buf.subarray(length);
      this.parts = rest.length > 0 ? [rest] : [];
      this.held = rest.length;
      this.wanted = headerLength;
    }
    return frames;
  }
}

/** Parses one frame. Throws {@link ProtocolError} where no answer is possible. */
export function readMessage(frame: Buffer, connection: ConnectionInfo): Message | BadMessage {
  const id = frame.readInt32LE(4);
  const code = frame.readInt32LE(12);
  if (code !== opMsg && code !== opQuery) throw new ProtocolError(`operation ${code} is not supported`);
  const legacy = code === opQuery;
  try {
    return legacy ? readQuery(id, frame, connection) : readMsg(id, frame, connection);
  } catch (error) {
    if (error instanceof StoreError) return { id, error, legacy };
    if (error instanceof RangeError) return { id, error: new StoreError(22, "message is cut short"), legacy };
    throw error;
  }
}

function readMsg(id: number, frame: Buffer, connection: ConnectionInfo): Message {
  const flags = frame.readUInt32LE(16);
  if ((flags & 0xffff & ~(checksumPresent | moreToCome)) !== 0) {
    throw new StoreError(17, `Message contains illegal flags value: Ob${flags.toString(2)}`);
  }
  const end = (flags & checksumPresent) === 0 ? frame.length : frame.length - 4;
  let at = 20;
  let body: Raw | undefined;
  const sequences = new Map<string, readonly Raw[]>();
  while (at < end) {
    const kind = frame[at++];
    if (kind === 0) {
      if (body !== undefined) throw new StoreError(17, "Multiple body sections in message");
      const next = validateDocument(frame, at, end);
      body = rawDocument(frame, at);
      at = next;
    } else if (kind === 1) {
      at = readSequence(frame, at, end, sequences);
    } else {
      throw new StoreError(40432, `Unknown section kind ${kind}`);
    }
  }
  if (body === undefined) throw new StoreError(40587, "OP_MSG messages must have a body");
  return {
    id,
    frame,
    request: requestOf(body, sequences, connection),
    answered: (flags & moreToCome) === 0,
    legacy: false,
  };
}

function readSequence(
  frame: Buffer,
  start: number,
  end: number,
  sequences: Map<string, readonly Raw[]>,
): number {
  const stop = start + frame.readInt32LE(start);
  if (stop > end || stop < start + 5) throw new StoreError(22, "document sequence is out of bounds");
  const nameEnd = frame.indexOf(0, start + 4);
  if (nameEnd < 0 || nameEnd >= stop) throw new StoreError(22, "document sequence has no name");
  const name = frame.toString("utf8", start + 4, nameEnd);
  if (sequences.has(name)) throw new StoreError(40431, `Duplicate document sequence: ${name}`);
  const documents: Raw[] = [];
  let at = nameEnd + 1;
  while (at < stop) {
    const next = validateDocument(frame, at, stop);
    documents.push(rawDocument(frame, at));
    at = next;
  }
  sequences.set(name, documents);
  return stop;
}

/** A driver's first `hello` is an OP_QUERY on `<db>.$cmd`. */
function readQuery(id: number, frame: Buffer, connection: ConnectionInfo): Message {
  const nameEnd = frame.indexOf(0, 20);
  if (nameEnd < 0) throw new StoreError(22, "query has no collection name");
  const namespace = frame.toString("utf8", 20, nameEnd);
  const start = nameEnd + 9;
  validateDocument(frame, start, frame.length);
  const request = requestOf(rawDocument(frame, start), new Map(), connection, namespace.split(".")[0]);
  if (!["hello", "ismaster", "isMaster"].includes(request.name)) {
    throw new StoreError(
      352,
      `Unsupported OP_QUERY command: ${request.name}. The client driver may require an upgrade.`,
    );
  }
  return { id, frame, request, answered: true, legacy: true };
}

function requestOf(
  body: Raw,
  sequences: ReadonlyMap<string, readonly Raw[]>,
  connection: ConnectionInfo,
  db?: string,
): Request {
  const args = new Map<string, Raw>();
  let name: string | undefined;
  let duplicate: string | undefined;
  const elements = new Elements(body);
  while (elements.next()) {
    const field = elements.name();
    name ??= field;
    if (args.has(field)) duplicate ??= field;
    args.set(field, elements.value());
  }
  return new Request(name ?? "", args, sequences, connection, db, duplicate);
}

let lastReply = 0;

/** A reply as bytes. The answer to OP_QUERY is an OP_REPLY. */
export function replyFrame(document: Buffer, to: { readonly id: number; readonly legacy: boolean }): Buffer {
  const extra = to.legacy ? 20 : 5;
  const frame = Buffer.allocUnsafe(headerLength + extra + document.length);
  frame.writeInt32LE(frame.length, 0);
  lastReply = (lastReply + 1) | 0;
  frame.writeInt32LE(lastReply, 4);
  frame.writeInt32LE(to.id, 8);
  frame.writeInt32LE(to.legacy ? opReply : opMsg, 12);
  frame.fill(0, headerLength, headerLength + extra);
  if (to.legacy) {
    frame.writeInt32LE(8, headerLength);
    frame.writeInt32LE(1, headerLength + 16);
  }
  document.copy(frame, headerLength + extra);
  return frame;
}
