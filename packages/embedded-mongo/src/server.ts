/** Accepts connections and runs commands in groups: one transaction and one flush for all waiting commands. */
import { chmodSync, lstatSync, unlinkSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import type { MessagePort } from "node:worker_threads";
import { errorReply, execute, type LongRead, type Turn, type Underway } from "./commands/execute.ts";
import type { ConnectionInfo } from "./commands/request.ts";
import { StoreError } from "./errors.ts";
import { USER } from "./kept-uri.ts";
import { FramePort } from "./port/frame-port.ts";
import type { Read, Readers } from "./readers/readers.ts";
import { type DamagedFile, damaged, isDamage } from "./storage/damage.ts";
import type { Store } from "./store.ts";
import { type BadMessage, Frames, type Message, ProtocolError, readMessage, replyFrame } from "./wire.ts";

export type ListenOn = { readonly socket: string } | { readonly host: string; readonly port: number };

/** Where a command comes from, and where its reply goes: a socket, or a port. */
interface Peer {
  readonly destroyed: boolean;
  readonly writableLength: number;
  /** @returns false where more waits to be read than usual */
  write(frame: Buffer): boolean;
  destroy(): void;
}

interface Job {
  readonly peer: Peer;
  readonly message: Message | BadMessage;
  /** Set for a started command that takes more than one time slice. */
  underway?: Underway;
}

/** Commands of one transaction. */
interface Group {
  readonly jobs: Job[];
  answers: Answer[];
  /** Reads that go to reader threads once the writes before them are committed. */
  reads: { readonly job: Job; readonly read: LongRead }[];
  readonly ends: number;
}

/** A command that a reader thread runs. */
interface Reading {
  readonly job: Job;
  readonly read: Read;
}

interface Answer {
  readonly peer: Peer;
  readonly frame: Buffer;
}

/** Maximum number of commands in a group, so that the first one does not wait too long. */
const largestGroup = 256;
/** Milliseconds after which a group ends. */
const groupTime = 20;
/** Milliseconds that one command may take before others run: the time slice. */
const turnTime = 8;
/** Milliseconds after which a read goes to a reader thread, which begins it anew. */
const readTime = 2;
/** Milliseconds that running commands may still take when the store closes. */
const closingTime = 2000;
/** Milliseconds for telling clients why the store ends. */
const lastWords = 100;
/** Bytes of answers that a client may leave unread before its commands wait. */
const unreadLimit = 64 * 1024 * 1024;

export class MongoServer {
  private readonly store: Store;
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();
  private port: FramePort | undefined;
  private queue: Job[] = [];
  /** Commands that take more than one time slice. The longest waiting one is first. */
  private paused: Job[] = [];
  /** Commands that reader threads run, by connection. */
  private readonly reading = new Map<Peer, Reading>();
  /** Connections with a command under way, each with the commands behind it. */
  private readonly busy = new Map<Peer, Job[]>();
  private readonly readers: Readers | undefined;
  private readonly turn: Turn;
  private scheduled = false;
  private waiting: Answer[] = [];
  private flushing: Promise<void> | undefined;
  private lastConnection = 0;
  private closed = false;
  /** Called when the disk no longer accepts writes. Nothing can be acknowledged after that. */
  onFatal: (error: unknown) => void = (error) => {
    throw error;
  };

  /**
   * @param readers threads for long reads. Without them, reads take turns with all other commands.
   * @param readMs milliseconds after which a read goes to one
   */
  constructor(store: Store, readers?: Readers, readMs = readTime) {
    this.store = store;
    this.readers = readers;
    this.turn = readers === undefined ? { ms: turnTime } : { ms: turnTime, readMs };
    if (readers !== undefined) readers.onDamage = (error) => this.stopDamaged(error, []);
    this.server = createServer({ noDelay: true }, (socket) => this.accept(socket));
  }

  /** Listens and returns the address in the form of `hello`: `host:port` or the socket's path. */
  async listen(on: ListenOn): Promise<string> {
    if ("socket" in on) removeStale(on.socket);
    await new Promise<void>((resolve, reject) => {
      this.server.once("error", reject);
      this.server.listen("socket" in on ? { path: on.socket } : { host: on.host, port: on.port }, () => {
        this.server.off("error", reject);
        resolve();
      });
    });
    if ("socket" in on) {
      chmodSync(on.socket, 0o600);
      this.store.address = on.socket;
    } else {
      const address = this.server.address();
      const port = address !== null && typeof address === "object" ? address.port : on.port;
      this.store.address = `${on.host.includes(":") ? `[${on.host}]` : on.host}:${port}`;
    }
    return this.store.address;
  }

  private accept(socket: Socket): void {
    const connection: ConnectionInfo = { id: ++this.lastConnection };
    const frames = new Frames();
    this.sockets.add(socket);
    this.store.connections++;
    this.store.totalConnections++;
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      this.sockets.delete(socket);
      this.store.connections--;
      this.forgetRead(socket);
    });
    socket.on("data", (chunk: Buffer) => {
      try {
        for (const frame of frames.push(chunk))
          this.enqueue({ peer: socket, message: readMessage(frame, connection) });
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        socket.destroy();
      }
    });
  }

  /**
   * Also takes commands from another thread of this process. Each counts as a connection of its own, so they are run
   * and answered in no particular order.
   */
  serve(messages: MessagePort): void {
    const connection: ConnectionInfo = { id: 0, user: USER };
    const port = new FramePort(messages, (frame) =>
      this.enqueue({ peer: new PortPeer(port), message: readMessage(frame, connection) }),
    );
    this.port = port;
  }

  /** Takes a command. Those of one connection are run and answered in order. */
  private enqueue(job: Job): void {
    const before = this.busy.get(job.peer);
    if (before !== undefined) before.push(job);
    else {
      this.queue.push(job);
      this.schedule();
    }
  }

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(() => this.runGroup());
  }

  /** The command under way of a connection has ended. */
  private free(peer: Peer): void {
    const behind = this.busy.get(peer) ?? [];
    this.busy.delete(peer);
    for (const job of behind) this.enqueue(job);
  }

  /** Runs waiting commands in one transaction. Answers are sent once it is on disk. */
  private runGroup(): void {
    this.scheduled = false;
    if (this.closed) return;
    const { store } = this;
    const group: Group = { jobs: [], answers: [], reads: [], ends: performance.now() + groupTime };
    let taken = 0;
    store.wrote = false;
    try {
      store.database.begin();
      for (const job of this.queue) {
        taken++;
        const before = this.busy.get(job.peer);
        if (before !== undefined) before.push(job);
        else this.runOne(job, group);
        if (group.jobs.length >= largestGroup || performance.now() > group.ends) break;
      }
      this.resumePaused(group);
      store.database.commit();
    } catch (error) {
      if (isDamage(error)) {
        this.stopDamaged(damaged(store.database.file, error), group.jobs);
        return;
      }
      this.failGroup(group, error);
    }
    store.catalogChanged = false;
    this.queue = this.queue.slice(taken);
    if (this.queue.length > 0 || this.paused.length > 0) this.schedule();
    this.answer(group.answers, store.wrote);
    for (const { job, read } of group.reads) this.leave(job, read);
    if (store.wrote) this.readers?.keepLogShort();
  }

  /** Gives a read to a reader thread. */
  private leave(job: Job, { deadline, cursor }: LongRead): void {
    const { message, peer } = job;
    if (this.readers === undefined || "error" in message) throw new Error("there is no thread for this read");
    const done = (reply: Buffer | StoreError): void => {
      this.reading.delete(peer);
      const frame = Buffer.isBuffer(reply) ? reply : replyFrame(errorReply(reply), message);
      // The read may have seen what is committed and not flushed yet.
      if (message.answered) this.answer([{ peer, frame }], false);
      this.free(peer);
    };
    const read: Read = { frame: message.frame, deadline, cursor, done };
    this.reading.set(peer, { job, read });
    this.readers.run(read);
    if (peer.destroyed) this.forgetRead(peer);
  }

  private forgetRead(peer: Peer): void {
    const reading = this.reading.get(peer);
    if (reading === undefined) return;
    this.reading.delete(peer);
    this.readers?.stop(reading.read);
    this.free(peer);
  }

  /** The disk is full, or worse. Nothing of the group happened, and each of its clients is told. */
  private failGroup(group: Group, error: unknown): void {
    group.answers = group.jobs.map((job) => answerTo(job, errorReply(error)));
    for (const job of group.jobs) this.forgetPaused(job);
    for (const { job } of group.reads) this.free(job.peer);
    group.reads = [];
    this.store.wrote = false;
    this.undoGroup();
  }

  private forgetPaused(job: Job): void {
    if (job.underway === undefined) return;
    job.underway.stop();
    this.paused = this.paused.filter((other) => other !== job);
    this.free(job.peer);
  }

  /** Continues long commands, the longest waiting one first, for one time slice together. */
  private resumePaused(group: Group): void {
    const ends = performance.now() + turnTime;
    for (let left = this.paused.length; left > 0; left--) {
      const job = this.paused.shift();
      if (job?.underway === undefined) return;
      if (job.peer.destroyed && !job.underway.writes) this.forgetPaused(job);
      else {
        group.jobs.push(job);
        this.settle(job, job.underway.resume(turnTime) ?? job.underway, group);
      }
      if (performance.now() > ends) return;
    }
  }

  /** The file can't be trusted. Clients are told, nothing else is answered, and the process ends. */
  private stopDamaged(error: DamagedFile, jobs: readonly Job[]): void {
    this.closed = true;
    this.server.close();
    const reading = Array.from(this.reading.values(), ({ job }) => job);
    for (const job of [...jobs, ...this.paused, ...reading, ...this.queue])
      send(answerTo(job, errorReply(error)));
    this.queue = [];
    this.paused = [];
    this.reading.clear();
    for (const socket of this.sockets) socket.destroySoon();
    setTimeout(() => this.onFatal(error), lastWords);
  }

  private undoGroup(): void {
    try {
      this.store.rollback();
    } catch (error) {
      this.onFatal(error);
    }
  }

  private runOne(job: Job, group: Group): void {
    const { message } = job;
    group.jobs.push(job);
    if ("error" in message) group.answers.push(answerTo(job, errorReply(message.error)));
    else this.settle(job, execute(this.store, message.request, this.turn), group);
  }

  /** Takes the reply of a command, or keeps an unfinished one. */
  private settle(job: Job, reply: Buffer | Underway | LongRead, group: Group): void {
    const { message, peer } = job;
    if (Buffer.isBuffer(reply)) {
      if (job.underway !== undefined) this.free(peer);
      if (!("error" in message) && message.answered) group.answers.push(answerTo(job, reply));
      return;
    }
    if (!this.busy.has(peer)) this.busy.set(peer, []);
    if ("resume" in reply) {
      job.underway = reply;
      this.paused.push(job);
    } else group.reads.push({ job, read: reply });
  }

  /** Sends answers once all their writes are flushed. */
  private answer(answers: Answer[], wrote: boolean): void {
    if (!this.store.database.needsFlush || (!wrote && this.flushing === undefined)) {
      for (const answer of answers) send(answer);
      return;
    }
    this.waiting.push(...answers);
    this.flushing ??= this.flushAll();
  }

  /** Flushes at least once, and again for writes that arrived meanwhile. */
  private async flushAll(): Promise<void> {
    try {
      do {
        const answers = this.waiting;
        this.waiting = [];
        await this.store.database.flush();
        for (const answer of answers) send(answer);
      } while (this.waiting.length > 0);
    } catch (error) {
      this.onFatal(error);
    } finally {
      this.flushing = undefined;
    }
  }

  /** Runs the store's own work (expiry) as a separate group. */
  background(work: () => void): void {
    if (this.closed) return;
    const { store } = this;
    store.wrote = false;
    store.database.begin();
    try {
      work();
      store.database.commit();
    } catch (error) {
      store.rollback();
      throw error;
    }
    this.answer([], store.wrote);
    if (store.wrote) this.readers?.keepLogShort();
  }

  private get isBusy(): boolean {
    const waiting = this.queue.length + this.paused.length + this.reading.size;
    return waiting > 0 || this.flushing !== undefined;
  }

  /** Stops commands that take too long for a closing store. */
  private interrupt(): void {
    for (const job of [...this.paused]) {
      this.forgetPaused(job);
      send(answerTo(job, errorReply(new StoreError(11600, "interrupted at shutdown"))));
    }
    for (const [peer, { job }] of [...this.reading]) {
      this.forgetRead(peer);
      send(answerTo(job, errorReply(new StoreError(11600, "interrupted at shutdown"))));
    }
  }

  /** Stops: accepts no new connections, answers running commands, closes the store. */
  async close(): Promise<void> {
    if (this.closed) return;
    const ended = new Promise<void>((resolve) => this.server.close(() => resolve()));
    const until = performance.now() + closingTime;
    while (this.isBusy) {
      if (performance.now() > until) this.interrupt();
      await (this.flushing ?? new Promise((resolve) => setImmediate(resolve)));
    }
    this.closed = true;
    for (const socket of this.sockets) socket.destroySoon();
    await ended;
    await this.readers?.close();
    this.port?.close();
    await this.store.close();
  }
}

/** Replies of one turn of the event loop go as one message. The other thread takes them all. */
class PortPeer implements Peer {
  readonly destroyed = false;
  readonly writableLength = 0;
  private readonly port: FramePort;

  constructor(port: FramePort) {
    this.port = port;
  }

  write(frame: Buffer): boolean {
    if (this.port.add(frame) === 1) process.nextTick(() => this.port.flush());
    return true;
  }

  destroy(): void {
    // One command has nothing that could be closed.
  }
}

function answerTo({ peer, message }: Job, reply: Buffer): Answer {
  return { peer, frame: replyFrame(reply, message) };
}

function send({ peer, frame }: Answer): void {
  if (peer.destroyed) return;
  if (!peer.write(frame) && peer.writableLength > unreadLimit) peer.destroy();
}

/** The socket of a killed process would stop the next one from listening. Other files are left alone. */
function removeStale(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket()) unlinkSync(path);
}
