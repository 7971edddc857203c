/** A lean keep-alive HTTP client for load: JSON in and out, and how long each request took. */
import { Agent, request } from "node:http";

export interface Answer {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: bench scripts read many shapes
  body: any;
  ms: number;
}

export class LoadClient {
  readonly #base: URL;
  readonly #agent: Agent;

  constructor(base: string, connections: number) {
    this.#base = new URL(base);
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections });
  }

  send(method: string, path: string, headers: Record<string, string>, body?: unknown): Promise<Answer> {
    const started = performance.now();
    const payload = body === undefined ? undefined : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const outgoing = request(
        {
          agent: this.#agent,
          host: this.#base.hostname,
          port: this.#base.port,
          method,
          path,
          headers: payload
            ? { ...headers, "content-type": "application/json", "content-length": Buffer.byteLength(payload) }
            : headers,
        },
        (reply) => {
          const chunks: Buffer[] = [];
          reply.on("data", (chunk: Buffer) => chunks.push(chunk));
          reply.on("end", () => {
            const text = Buffer.concat(chunks).toString();
            const isJson = reply.headers["content-type"]?.includes("json");
            resolve({
              status: reply.statusCode ?? 0,
              body: isJson ? JSON.parse(text) : text,
              ms: performance.now() - started,
            });
          });
          reply.on("error", reject);
        },
      );
      outgoing.on("error", reject);
      outgoing.end(payload);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}
