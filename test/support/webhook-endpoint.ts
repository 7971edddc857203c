/** A receiver of webhooks as integrators write it: it checks the signature and keeps what it gets. */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Webhook } from "standardwebhooks";

export interface Hook {
  id: string;
  event: { id: string; type: string; subject: string; data: Record<string, unknown> };
  headers: IncomingHttpHeaders;
}

export interface Receiver {
  readonly url: string;
  /** All requests with a good signature, also repeated ones. */
  readonly got: Hook[];
  /** Requests whose signature was not good. */
  readonly refused: string[];
  /** The keys that are good. */
  secrets: string[];
  /** How it answers. */
  answer(hook: Hook, res: ServerResponse): void;
  close(): Promise<void>;
}

export async function startReceiver(): Promise<Receiver> {
  const server = createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on("data", (it: Buffer) => chunks.push(it));
    req.on("end", () => {
      const body = Buffer.concat(chunks).toString();
      const { headers } = req;
      const given = {
        "webhook-id": String(headers["webhook-id"]),
        "webhook-timestamp": String(headers["webhook-timestamp"]),
        "webhook-signature": String(headers["webhook-signature"]),
      };
      const isGood = receiver.secrets.some((secret) => {
        try {
          new Webhook(secret).verify(body, given);
          return true;
        } catch {
          return false;
        }
      });
      if (!isGood) {
        receiver.refused.push(body);
        res.writeHead(401).end();
        return;
      }
      const hook: Hook = { id: given["webhook-id"], event: JSON.parse(body), headers };
      receiver.got.push(hook);
      receiver.answer(hook, res);
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  const receiver: Receiver = {
    url: `http://127.0.0.1:${port}/hook`,
    got: [],
    refused: [],
    secrets: [],
    answer: (_, res) => res.writeHead(204).end(),
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
  return receiver;
}
