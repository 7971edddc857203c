/** POST over kept-alive connections, for webhooks. Only the status of the answer matters. */
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { Agent as HttpAgent, request as httpRequest } from "../../../../broker/contract/node-http.ts";

export interface Poster {
  /** Resolves with the status. @throws when there is no answer within the time-out, or `close` was called */
  post(url: URL, body: string, headers: Record<string, string>): Promise<number>;
  close(): void;
}

/** @param timeoutMs for one request, from connecting to the end of the answer */
export function createPoster(timeoutMs: number): Poster {
  const settings = { keepAlive: true, maxSockets: 64, noDelay: true };
  const http = new HttpAgent(settings);
  const https = new HttpsAgent(settings);
  const closing = new AbortController();
  return {
    post: (url, body, headers) =>
      new Promise((resolve, reject) => {
        const secure = url.protocol === "https:";
        const request = (secure ? httpsRequest : httpRequest)(url, {
          method: "POST",
          agent: secure ? https : http,
          headers: { ...headers, "content-length": Buffer.byteLength(body) },
          signal: closing.signal,
        });
        const late = setTimeout(
          () => request.destroy(new Error(`no answer within ${timeoutMs} ms`)),
          timeoutMs,
        );
        request
          .on("response", (response) => {
            response
              .on("end", () => resolve(response.statusCode ?? 0))
              .on("error", reject)
              .resume();
          })
          .on("error", reject)
          .on("close", () => clearTimeout(late))
          .end(body);
      }),
    close() {
      closing.abort();
      http.destroy();
      https.destroy();
    },
  };
}
