/** Replaces the gateway: receives webhooks over HTTP, and passes them on, refuses or loses them. */
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";

const WEBHOOKS = /^POST \/api\/v1\/payments\/webhooks\/([a-z][a-z0-9_-]*)$/;

export interface Received {
  provider: string;
  headers: Record<string, string>;
  /** Raw, base64. */
  body: string;
  /** Milliseconds since the epoch. */
  at: number;
}

export interface WebhookFront {
  readonly url: string;
  readonly received: Received[];
  /** Status of the answer; passing on is the test's. */
  handle: (webhook: Received) => Promise<number>;
  close(): Promise<void>;
}

export async function openWebhookFront(): Promise<WebhookFront> {
  const received: Received[] = [];
  const server = createServer(async (req, res) => {
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk as Buffer);
    const [, provider] = WEBHOOKS.exec(`${req.method} ${req.url}`) ?? [];
    if (!provider) return void res.writeHead(404).end("{}");
    const webhook = {
      provider,
      headers: flat(req.headers),
      body: Buffer.concat(chunks).toString("base64"),
      at: Date.now(),
    };
    received.push(webhook);
    res.writeHead(await front.handle(webhook)).end("{}");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const front: WebhookFront = {
    url: `http://127.0.0.1:${port}`,
    received,
    handle: async () => 200,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  return front;
}

const flat = (headers: IncomingHttpHeaders): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
