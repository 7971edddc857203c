/** Asks the process that opens pictures. It is started at the first one, and ended when there was none for a while. */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { SoukError } from "../../../broker/contract/errors.ts";

export interface PictureRequest {
  id: number;
  bytes: Uint8Array;
}
export interface PictureReply {
  id: number;
  /** None where it is no picture that can be opened. */
  pictures: { width: number; height: number; bytes: Uint8Array }[];
}

/** A picture of the largest size takes a few seconds on a slow machine. */
const MAX_MS = 20_000;
const IDLE_MS = 60_000;
/** Each has up to 10 MB. */
const MAX_WAITING = 4;

export class PictureResizer {
  #process: ChildProcess | undefined;
  #idle: NodeJS.Timeout | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #lastId = 0;

  /**
   * The picture in several widths, without anything of the original bytes; none for what can't be opened.
   * @throws {SoukError} OVERLOADED while others wait already
   */
  async resize(bytes: Uint8Array): Promise<PictureReply["pictures"]> {
    if (this.#waiting >= MAX_WAITING) throw new SoukError("OVERLOADED");
    this.#waiting++;
    const next = this.#last.then(() => this.#ask(bytes));
    this.#last = next.catch(() => undefined);
    try {
      return await next;
    } finally {
      this.#waiting--;
    }
  }

  close(): void {
    clearTimeout(this.#idle);
    this.#process?.kill("SIGKILL");
    this.#process = undefined;
  }

  async #ask(bytes: Uint8Array): Promise<PictureReply["pictures"]> {
    clearTimeout(this.#idle);
    this.#process ??= this.#start();
    const child = this.#process;
    const id = ++this.#lastId;
    try {
      return await answerOf(child, { id, bytes });
    } finally {
      this.#idle = setTimeout(() => this.close(), IDLE_MS).unref();
      if (!child.connected) this.#process = undefined;
    }
  }

  #start(): ChildProcess {
    const child = fork(fileURLToPath(new URL("picture-process.ts", import.meta.url)), {
      serialization: "advanced",
      stdio: ["ignore", "ignore", "ignore", "ipc"],
      execArgv: ["--max-old-space-size=128"],
      // Nothing of the shop's variables.
      env: { PATH: process.env.PATH },
    });
    child.unref();
    child.channel?.unref();
    return child;
  }
}

/** None where the process dies of it or takes too long: then it is not opened again. */
function answerOf(child: ChildProcess, request: PictureRequest): Promise<PictureReply["pictures"]> {
  const { promise, resolve, reject } = Promise.withResolvers<PictureReply["pictures"]>();
  const onMessage = (reply: PictureReply) => {
    if (reply.id === request.id) resolve(reply.pictures);
  };
  const onExit = () => resolve([]);
  const over = setTimeout(() => child.kill("SIGKILL"), MAX_MS);
  child.on("message", onMessage).once("exit", onExit).once("error", reject);
  child.send(request, (error) => {
    if (error) reject(error);
  });
  return promise.finally(() => {
    clearTimeout(over);
    child.off("message", onMessage).off("exit", onExit).off("error", reject);
  });
}
