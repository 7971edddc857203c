/** Server-sent events: one long reply, kept open by comments, ended by either side. */
import type { IncomingMessage, ServerResponse } from "node:http";

/** Proxies close connections that are silent for a minute, some sooner. */
const HEARTBEAT_MS = 15_000;

export interface StreamEvent {
  event: string;
  /** The id that a client sends back as `Last-Event-ID`. */
  id: string;
  /** Sent as JSON, on one line. */
  data: unknown;
}

export interface EventStream {
  /** Fires when the client has left or {@link end} was called. */
  readonly closed: AbortSignal;
  /** Resolves when the client's connection can take more. */
  send(event: StreamEvent): Promise<void>;
  end(): void;
}

/** Starts the reply. It includes the headers that were set before. */
export function openEventStream(
  req: IncomingMessage,
  res: ServerResponse,
  heartbeatMs = HEARTBEAT_MS,
): EventStream {
  const closing = new AbortController();
  res.writeHead(200, {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-store",
    // nginx buffers replies by default.
    "X-Accel-Buffering": "no",
  });
  res.flushHeaders();
  req.socket.setNoDelay(true);
  const heartbeat = setInterval(() => res.write(":\n\n"), heartbeatMs);
  res.once("close", () => {
    clearInterval(heartbeat);
    closing.abort();
  });
  return {
    closed: closing.signal,
    async send({ event, id, data }) {
      if (closing.signal.aborted) return;
      if (res.write(`event: ${event}\nid: ${id}\ndata: ${JSON.stringify(data)}\n\n`)) return;
      await new Promise<void>((resolve) => {
        const done = () => {
          res.off("drain", done).off("close", done);
          resolve();
        };
        res.once("drain", done).once("close", done);
      });
    },
    end() {
      clearInterval(heartbeat);
      closing.abort();
      res.end();
    },
  };
}
