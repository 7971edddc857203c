/** Posts to a server of others: one connection to a checked address, no redirects, little time, little read. */
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { LookupFunction } from "node:net";
import { Agent, request as httpRequest } from "../../contract/node-http.ts";
import { checkedLookup, PrivateAddressError, type Resolve } from "./checked-lookup.ts";
import { isPrivateHost } from "./public-address.ts";

/** Longer answers are cut off there, and the connection with them. */
const MAX_ANSWER = 64 * 1_024;
/** What is kept of an answer. */
const KEPT_ANSWER = 1_024;

export interface Answer {
  readonly status: number;
  /** Its first KB. */
  readonly text: string;
  readonly retryAfter?: string | undefined;
}

export interface PosterOptions {
  readonly allowPrivate: boolean;
  readonly timeoutMs: number;
  readonly concurrency: number;
  /** Only for tests. */
  readonly resolve?: Resolve;
}

export interface Poster {
  /** @throws Error when there is no answer: refused, too late, broken off, or an address that is not public */
  post(url: URL, headers: Readonly<Record<string, string>>, body: string | Buffer): Promise<Answer>;
  close(): void;
}

/** One endpoint's connections. */
export function createPoster({ allowPrivate, timeoutMs, concurrency, resolve }: PosterOptions): Poster {
  const settings = { keepAlive: true, maxSockets: concurrency, maxFreeSockets: 1, timeout: 30_000 };
  const agents = { "http:": new Agent(settings), "https:": new HttpsAgent(settings) };
  const lookup: LookupFunction = checkedLookup(allowPrivate, resolve);
  return {
    async post(url, headers, body) {
      if (!allowPrivate && isPrivateHost(url)) throw new PrivateAddressError("the address is not public");
      const isPlain = url.protocol === "http:";
      const signal = AbortSignal.timeout(timeoutMs);
      const options = { method: "POST", headers, lookup, signal };
      try {
        return await new Promise<Answer>((done, failed) => {
          const call = isPlain
            ? httpRequest(url, { ...options, agent: agents["http:"] })
            : httpsRequest(url, { ...options, agent: agents["https:"] });
          call.on("error", failed);
          call.on("response", (response) => {
            const chunks: Buffer[] = [];
            let length = 0;
            const answered = () =>
              done({
                status: response.statusCode ?? 0,
                text: Buffer.concat(chunks).subarray(0, KEPT_ANSWER).toString(),
                retryAfter: response.headers["retry-after"],
              });
            response.on("error", failed);
            response.on("data", (chunk: Buffer) => {
              if (length < KEPT_ANSWER) chunks.push(chunk);
              length += chunk.length;
              if (length < MAX_ANSWER) return;
              answered();
              call.destroy();
            });
            response.on("end", answered);
          });
          call.end(body);
        });
      } catch (error) {
        if (signal.aborted) throw new Error(`no answer within ${timeoutMs} ms`);
        throw error;
      }
    },
    close() {
      agents["http:"].destroy();
      agents["https:"].destroy();
    },
  };
}
