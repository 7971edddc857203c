/** Many more clients than a shop can serve, all at once, and their answers. */
import { Agent, request as httpRequest } from "node:http";
import { newId } from "../../../broker/contract/ids.ts";
import type { OrderView } from "../../../services/orders/orders.contract.ts";
import { home, type Person } from "../../../souk/testing/people.ts";

export interface Answer {
  method: string;
  status: number;
  ms: number;
  contentType: string;
  retryAfter: string | undefined;
  body: unknown;
  /** Of a request for an order: who asked, under which key. */
  buyer?: Person;
  key?: string;
}

export interface Flood {
  readonly answers: readonly Answer[];
  /** Requests that broke instead of being answered. */
  readonly broken: readonly string[];
  /** Lets the requests that are under way end, and begins no more. */
  stop(): Promise<void>;
}

export interface FloodOptions {
  url: string;
  buyers: readonly Person[];
  /** A SKU whose quantity they change each time, so that each cart can be ordered. */
  filler: string;
  connections: number;
  /** Of all requests; the others change carts. From 0 to 1. */
  orders: number;
  /** Seconds that a request for an order waits for its payment. */
  wait: number;
}

/** Each connection sends again as soon as it is answered, like the most aggressive clients. */
export function startFlood({ url, buyers, filler, connections, orders, wait }: FloodOptions): Flood {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const answers: Answer[] = [];
  const broken: string[] = [];
  let stopped = false;

  function send(person: Person, method: string, path: string, body: object, key?: string): Promise<void> {
    const begun = performance.now();
    const content = JSON.stringify(body);
    const headers: Record<string, string | number> = {
      authorization: `Bearer ${person.accessToken}`,
      "content-type": "application/json",
      "content-length": Buffer.byteLength(content),
      ...(key ? { "idempotency-key": key, prefer: `wait=${wait}` } : {}),
    };
    return new Promise((resolve) => {
      const fail = (error: Error) => {
        broken.push(`${method} ${path}: ${error.message}`);
        resolve();
      };
      const req = httpRequest(`${url}/api/v1${path}`, { agent, method, headers }, (res) => {
        let text = "";
        res.setEncoding("utf8");
        res.on("data", (chunk: string) => {
          text += chunk;
        });
        res.on("error", fail);
        res.on("end", () => {
          answers.push({
            method,
            status: res.statusCode ?? 0,
            ms: performance.now() - begun,
            contentType: res.headers["content-type"] ?? "",
            retryAfter: res.headers["retry-after"],
            body: JSON.parse(text),
            ...(key ? { buyer: person, key } : {}),
          });
          resolve();
        });
      });
      req.on("error", fail);
      req.end(content);
    });
  }

  async function client(n: number): Promise<void> {
    const person = buyers[n % buyers.length];
    if (!person) throw new Error("nobody buys");
    for (let round = 0; !stopped; round++)
      if ((n + round * 7) % 100 < orders * 100)
        await send(
          person,
          "POST",
          "/orders",
          { shippingAddress: home, payment: { provider: "sandbox" } },
          newId(),
        );
      else await send(person, "PUT", `/cart/items/${filler}`, { quantity: 1 + ((n + round * 31) % 99) });
  }

  const running = Promise.all(Array.from({ length: connections }, (_, n) => client(n)));
  return {
    answers,
    broken,
    async stop() {
      stopped = true;
      await running;
      agent.destroy();
    },
  };
}

/** Orders that were promised: their answers, with who asked. */
export const promised = (answers: readonly Answer[]) =>
  answers.filter(
    (it): it is Answer & { body: OrderView; buyer: Person; key: string } =>
      it.key !== undefined && it.status === 201,
  );

export const percentile = (values: readonly number[], p: number): number =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * p))] ?? 0;
