/** Accepts connections and runs commands in groups: one transaction and one flush for all waiting commands. */
import { chmodSync, lstatSync, unlinkSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import type { MessagePort } from "node:worker_threads";
import { errorReply, execute, type Underway } from "./commands/execute.ts";
import type { ConnectionInfo } from "./commands/request.ts";
import { StoreError } from "./errors.ts";
import { FramePort } from "./port/frame-port.ts";
import { type DamagedFile, damaged, isDamage } from "./storage/damage.ts";
import type { Store } from "./store.ts";
import { type BadMessage, Frames, type Message, ProtocolError, readMessage, replyFrame } from "./wire.ts";

export type ListenOn = { readonly socket: string } | { readonly host: string; readonly port: number };

interface Job extends From {
  readonly message: Message | BadMessage;
  /** Set for a started command that takes more than one time slice. */
  underway?: Underway;
}

/** Where a command came from. Its reply goes the same way. */
interface From {
  readonly socket: Socket;
  /** Set for a connection of this process that sends its commands through a port. */
  readonly port?: FramePort;
}

/** Commands of one transaction. */
interface Group {
  readonly jobs: Job[];
  answers: Answer[];
  readonly ends: number;
}

interface Connected {
  readonly socket: Socket;
  readonly connection: ConnectionInfo;
}

interface Answer {
  readonly to: From;
  readonly frame: Buffer;
}

/** Maximum number of commands in a group, so that the first one does not wait too long. */
const largestGroup = 256;
/** Milliseconds after which a group ends. */
const groupTime = 20;
/** Milliseconds that one command may take before others run: the time slice. */
const turnTime = 8;
/** Milliseconds that running commands may still take when the store closes. */
const closingTime = 2000;
/** Milliseconds for telling clients why the store ends. */
const lastWords = 100;
/** Bytes of answers that a client may leave unread before its commands wait. */
const unreadLimit = 64 * 1024 * 1024;

export class MongoServer {
  private readonly store: Store;
  private readonly server: Server;
  private readonly connections = new Map<number, Connected>();
  private port: FramePort | undefined;
  private queue: Job[] = [];
  /** Commands that take more than one time slice. The longest waiting one is first. */
  private paused: Job[] = [];
  /** Connections with such a command. */
  private readonly busy = new Set<Socket>();
  private scheduled = false;
  private waiting: Answer[] = [];
  private flushing: Promise<void> | undefined;
  private lastConnection = 0;
  private closed = false;
  /** Called when the disk no longer accepts writes. Nothing can be acknowledged after that. */
  onFatal: (error: unknown) => void = (error) => {
    throw error;
  };

  constructor(store: Store) {
    this.store = store;
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
    this.connections.set(connection.id, { socket, connection });
    this.store.connections++;
    this.store.totalConnections++;
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      this.connections.delete(connection.id);
      this.store.connections--;
    });
    socket.on("data", (chunk: Buffer) => {
      try {
        for (const frame of frames.push(chunk))
          this.enqueue({ socket, message: readMessage(frame, connection) });
      } catch (error) {
        refuse(socket, error);
      }
    });
  }

  /** Also takes commands from a port, and answers them there. Their connections have sockets, too. */
  serve(messages: MessagePort): void {
    const port = new FramePort(messages, (id, frame) => {
      const from = this.connections.get(id);
      // The other end notices it by the socket as well.
      if (from === undefined) return;
      const { socket, connection } = from;
      try {
        this.enqueue({ socket, port, message: readMessage(frame, connection) });
      } catch (error) {
        refuse(socket, error);
      }
    });
    this.port = port;
  }

  private enqueue(job: Job): void {
    this.queue.push(job);
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(() => this.runGroup());
  }

  /** Runs waiting commands in one transaction. Answers are sent once it is on disk. */
  private runGroup(): void {
    this.scheduled = false;
    if (this.closed) return;
    const { store } = this;
    const group: Group = { jobs: [], answers: [], ends: performance.now() + groupTime };
    const later: Job[] = [];
    let taken = 0;
    store.wrote = false;
    try {
      store.database.begin();
      for (const job of this.queue) {
        taken++;
        // The commands of one connection are answered in order.
        if (this.busy.has(job.socket)) later.push(job);
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
    this.queue = [...later, ...this.queue.slice(taken)];
    if (this.queue.length > 0 || this.paused.length > 0) {
      this.scheduled = true;
      setImmediate(() => this.runGroup());
    }
    this.answer(group.answers, store.wrote);
  }

  /** The disk is full, or worse. Nothing of the group happened, and each of its clients is told. */
  private failGroup(group: Group, error: unknown): void {
    group.answers = group.jobs.map((job) => answerTo(job, errorReply(error)));
    for (const job of group.jobs) this.forgetPaused(job);
    this.store.wrote = false;
    this.undoGroup();
  }

  private forgetPaused(job: Job): void {
    if (job.underway === undefined) return;
    job.underway.stop();
    this.paused = this.paused.filter((other) => other !== job);
    this.busy.delete(job.socket);
  }

  /** Continues long commands, the longest waiting one first, for one time slice together. */
  private resumePaused(group: Group): void {
    const ends = performance.now() + turnTime;
    for (let left = this.paused.length; left > 0; left--) {
      const job = this.paused.shift();
      if (job?.underway === undefined) return;
      if (job.socket.destroyed && !job.underway.writes) this.forgetPaused(job);
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
    for (const job of [...jobs, ...this.paused, ...this.queue]) send(answerTo(job, errorReply(error)));
    this.queue = [];
    this.paused = [];
    for (const { socket } of this.connections.values()) socket.destroySoon();
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
    else this.settle(job, execute(this.store, message.request, turnTime), group);
  }

  /** Takes the reply of a command, or keeps an unfinished one. */
  private settle(job: Job, reply: Buffer | Underway, group: Group): void {
    const { message } = job;
    if (Buffer.isBuffer(reply)) {
      this.busy.delete(job.socket);
      if (!("error" in message) && message.answered) group.answers.push(answerTo(job, reply));
      return;
    }
    job.underway = reply;
    this.paused.push(job);
    this.busy.add(job.socket);
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
  }

  /** Stops commands that take too long for a closing store. */
  private interrupt(): void {
    for (const job of [...this.paused]) {
      this.forgetPaused(job);
      send(answerTo(job, errorReply(new StoreError(11600, "interrupted at shutdown"))));
    }
  }

  /** Stops: accepts no new connections, answers running commands, closes the store. */
  async close(): Promise<void> {
    if (this.closed) return;
    const ended = new Promise<void>((resolve) => this.server.close(() => resolve()));
    const until = performance.now() + closingTime;
    while (this.queue.length > 0 || this.paused.length > 0 || this.flushing !== undefined) {
      if (performance.now() > until) this.interrupt();
      await (this.flushing ?? new Promise((resolve) => setImmediate(resolve)));
    }
    this.closed = true;
    // Replies must arrive before their connections end.
    this.port?.flush();
    for (const { socket } of this.connections.values()) socket.destroySoon();
    await ended;
    this.port?.close();
    await this.store.close();
  }
}

/** Ends a connection whose bytes are no message. */
function refuse(socket: Socket, error: unknown): void {
  if (!(error instanceof ProtocolError)) throw error;
  socket.destroy();
}

function answerTo(job: Job, reply: Buffer): Answer {
  return { to: job, frame: replyFrame(reply, job.message) };
}

function send({ to: { socket, port }, frame }: Answer): void {
  if (socket.destroyed) return;
  if (port !== undefined) port.send(0, [frame]);
  else if (!socket.write(frame) && socket.writableLength > unreadLimit) socket.destroy();
}

/** The socket of a killed process would stop the next one from listening. Other files are left alone. */
function removeStale(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket()) unlinkSync(path);
}
