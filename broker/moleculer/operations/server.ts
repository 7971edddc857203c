/**
 * The operations port of a node: health for supervisors and load balancers, metrics for Prometheus. It opens first,
 * before databases and RabbitMQ are connected. Only machines of the operator use it. So it accepts few connections,
 * short requests, and no slow clients.
 */
import { once } from "node:events";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer } from "../../contract/node-http.ts";
import { ConfigError } from "../../contract/variables.ts";
import { urlOf } from "../../http/server.ts";
import type { Log } from "../../resilience/log.ts";
import { LIVE, type Operations, readyReply } from "./operations.ts";

const MAX_CONNECTIONS = 32;
const MAX_HEADERS = 8_192;
/** Time limit for a request after its connection, and for reading the answer. Milliseconds. */
const TIMEOUT_MS = 5_000;

const JSON_TYPE = "application/json";
const PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8";

export interface OperationsServer {
  /** For example `http://127.0.0.1:9464`. */
  readonly url: string;
  close(): Promise<void>;
}

export interface OperationsServerOptions {
  host: string;
  /** 0 picks a free one. */
  port: number;
  operations: Operations;
  /** Whether `/metrics` is served. */
  metrics: boolean;
  log: Log;
  timeoutMs?: number;
}

/** @throws {ConfigError} when it can't listen on the port */
export async function startOperationsServer({
  host,
  port,
  operations,
  metrics,
  log,
  timeoutMs = TIMEOUT_MS,
}: OperationsServerOptions): Promise<OperationsServer> {
  const pages: Record<string, () => Promise<Answer> | Answer> = {
    "/health/live": () => ({ status: 200, type: JSON_TYPE, body: LIVE }),
    "/health/ready": async () => ({ type: JSON_TYPE, ...readyReply(await operations.ready()) }),
    ...(metrics && { "/metrics": () => ({ status: 200, type: PROMETHEUS, body: operations.metrics() }) }),
  };
  const server = createServer(
    {
      maxHeaderSize: MAX_HEADERS,
      headersTimeout: timeoutMs,
      requestTimeout: timeoutMs,
      keepAliveTimeout: timeoutMs,
      connectionsCheckingInterval: Math.min(1_000, timeoutMs),
    },
    (req, res) => {
      serve(pages, req, res).catch((error: unknown) => {
        log.error("the operations port could not answer", { path: req.url, error });
        res.destroy();
      });
    },
  );
  server.maxConnections = MAX_CONNECTIONS;
  // This also closes the connection of a client that does not read, because its socket is idle.
  server.setTimeout(timeoutMs, (socket) => socket.destroy());
  await listen(server, port, host);
  return {
    url: urlOf(server),
    async close() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

interface Answer {
  status: number;
  type: string;
  body: string;
}

async function serve(
  pages: Readonly<Record<string, () => Promise<Answer> | Answer>>,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  const { status, type, body } = await answer(pages, req);
  // Bodies are not used. The rest of one ends with its connection.
  const rest = req.complete ? {} : { Connection: "close" };
  res.writeHead(status, {
    "Content-Type": type,
    "Content-Length": Buffer.byteLength(body),
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    ...(status === 405 ? { Allow: "GET, HEAD" } : {}),
    ...rest,
  });
  res.end(req.method === "HEAD" ? undefined : body);
}

async function answer(
  pages: Readonly<Record<string, () => Promise<Answer> | Answer>>,
  { method, url = "" }: IncomingMessage,
): Promise<Answer> {
  const [path = ""] = url.split("?", 1);
  const page = Object.hasOwn(pages, path) ? pages[path] : undefined;
  if (!page) return plain(404, `There is only ${Object.keys(pages).join(", ")}.\n`);
  if (method !== "GET" && method !== "HEAD") return plain(405, "Only GET and HEAD.\n");
  return page();
}

const plain = (status: number, body: string): Answer => ({ status, type: "text/plain; charset=utf-8", body });

async function listen(server: Server, port: number, host: string): Promise<void> {
  server.listen(port, host);
  try {
    await once(server, "listening");
  } catch (error) {
    throw new ConfigError(reasonOf(error as NodeJS.ErrnoException, port, host), { cause: error });
  }
}

function reasonOf({ code, message }: NodeJS.ErrnoException, port: number, host: string): string {
  if (code === "EADDRINUSE")
    return `OPS_PORT: port ${port} of ${host} is taken; choose another one, 0 for any, or off`;
  if (code === "EADDRNOTAVAIL") return `OPS_HOST: this machine does not have the address ${host}`;
  if (code === "EACCES") return `OPS_PORT: port ${port} is not for this user`;
  return `OPS_PORT: ${message}`;
}
