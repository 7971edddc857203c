/** The HTTP server: its time limits, and an answer even to bytes that its parser refuses. */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { ErrorCode } from "../contract/errors.ts";
import { createServer, STATUS_CODES } from "../contract/node-http.ts";
import { within } from "../resilience/deadline.ts";
import { PROBLEM_TYPE, type Problem } from "./problem.ts";

const MAX_HEADERS = 16_384;
/** Time for a refused client to read the answer before its connection closes. */
const LINGER_MS = 1_000;

export interface ServerOptions {
  handle(req: IncomingMessage, res: ServerResponse): void;
  /** The reply to something that never became a request, or whose body does not arrive (`req`). */
  refuse(
    code: ErrorCode,
    req: IncomingMessage | undefined,
  ): { problem: Problem; headers: Readonly<Record<string, string>> };
  /** Called for each such reply. */
  refused(problem: Problem, req: IncomingMessage | undefined, address: string, bytes: number): void;
  /** Time limits for all headers, and for the whole request. Milliseconds. */
  headersTimeout?: number;
  requestTimeout?: number;
}

export function createHttpServer(options: ServerOptions): Server {
  const { handle, headersTimeout = 10_000, requestTimeout = 30_000 } = options;
  const server = createServer(
    {
      maxHeaderSize: MAX_HEADERS,
      headersTimeout,
      requestTimeout,
      // Longer than the idle time of usual load balancers, so that we never close a connection under a request.
      keepAliveTimeout: 65_000,
      connectionsCheckingInterval: Math.min(1_000, headersTimeout),
      // Node's own answer to a missing Host has neither body nor headers. The gateway checks it instead.
      requireHostHeader: false,
      noDelay: true,
    },
    handle,
  );
  // `Expect: 100-continue` is answered when the body is wanted. Other expectations are refused.
  server.on("checkContinue", handle);
  server.on("checkExpectation", handle);
  server.on("clientError", (error, socket) => onParserError(error, socket, options));
  return server;
}

const CODES: Readonly<Record<string, ErrorCode>> = {
  HPE_HEADER_OVERFLOW: "HEADERS_TOO_LARGE",
  HPE_CHUNK_EXTENSIONS_OVERFLOW: "BODY_TOO_LARGE",
  ERR_HTTP_REQUEST_TIMEOUT: "SLOW_REQUEST",
};

function onParserError(
  error: NodeJS.ErrnoException,
  socket: Duplex,
  { refuse, refused }: ServerOptions,
): void {
  const res = "_httpMessage" in socket ? (socket._httpMessage as ServerResponse | null) : null;
  // A reply that has started can't be replaced.
  if (res?.headersSent || !socket.writable || error.code === "ECONNRESET") {
    socket.destroy();
    return;
  }
  const { problem, headers } = refuse(CODES[error.code ?? ""] ?? "MALFORMED_REQUEST", res?.req);
  const body = JSON.stringify(problem);
  const lines = Object.entries({
    ...headers,
    "Content-Type": PROBLEM_TYPE,
    "Content-Length": String(Buffer.byteLength(body)),
    Connection: "close",
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  const address = "remoteAddress" in socket ? String(socket.remoteAddress) : "";
  refused(problem, res?.req, address, Buffer.byteLength(body));
  socket.end(`HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\n${lines.join("")}\r\n${body}`);
  // The client may leave its own half open for ever.
  const over = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once("close", () => clearTimeout(over));
}

/**
 * Stops accepting, lets running requests end, and closes what is left after `timeout` milliseconds.
 * @param drained resolves when the last request has been answered
 */
export async function closeServer(server: Server, drained: Promise<void>, timeout: number): Promise<void> {
  if (!server.listening) return;
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  await within(timeout, drained);
  server.closeIdleConnections();
  // Connections that have just sent their last reply close by themselves. None may keep the process running.
  const grace = setTimeout(() => server.closeAllConnections(), 100);
  await closed;
  clearTimeout(grace);
}

/** Where a server listens, for example `http://127.0.0.1:3000`. @throws where it does not listen */
export function urlOf(server: Server): string {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server does not listen");
  const { address: host, port, family } = address;
  return `http://${family === "IPv6" ? `[${host}]` : host}:${port}`;
}
