/**
 * The access log: one line per request, written when its reply has ended. It lets an operator find any problem
 * document by its `traceId`. JSON for machines, a short line for people. It leaves out queries, because they contain
 * tickets, tokens and names.
 */
import type { ServerResponse } from "node:http";
import type { Clock } from "../resilience/clock.ts";
import type { Exchange } from "./http-exchange.ts";
import type { Problem } from "./problem.ts";

/** Longer paths are cut, so that a line has a bounded length. */
const MAX_PATH = 1_024;
/** nginx's status for a client that left before its reply had ended. */
const CLIENT_LEFT = 499;
/** Paths that probes and scrapers request every few seconds. */
const NOT_LOGGED = /^\/(?:health\/|metrics$)/;

export interface AccessLog {
  /** The reply has ended, or its client has left. */
  served(exchange: Exchange): void;
  /** Something was refused before it became a request. */
  refused(problem: Problem, address: string, bytes: number): void;
}

export interface AccessLogOptions {
  format: "json" | "text";
  nodeID: string;
  clock: Clock;
  write(line: string): void;
}

/** The fields of a line. Undefined ones are left out. */
export interface AccessLogEntry {
  method: string;
  path: string;
  status: number;
  ms: number;
  bytes: number;
  ip: string;
  userId?: string | undefined;
  traceId: string;
  requestId?: string | undefined;
  code?: string | undefined;
}

export function createAccessLog({ format, nodeID, clock, write }: AccessLogOptions): AccessLog {
  const print = (entry: AccessLogEntry) => {
    const time = new Date(clock.now()).toISOString();
    write(format === "json" ? jsonLine(time, nodeID, entry) : textLine(time, entry));
  };
  return {
    served(exchange) {
      const { req, trace, requestId, clientIp, path, code, userId } = exchange;
      if (NOT_LOGGED.test(path)) return;
      print({
        method: req.method ?? "-",
        path: printable(exchange.shownPath ?? path),
        status: statusOf(exchange),
        ms: Math.round((performance.now() - exchange.startedAt) * 10) / 10,
        bytes: bytesOf(exchange),
        ip: printable(clientIp),
        userId: userId === undefined ? undefined : printable(userId),
        traceId: trace.traceId,
        requestId: requestId === trace.traceId ? undefined : requestId,
        code,
      });
    },
    refused({ status, traceId, code }, address, bytes) {
      print({ method: "-", path: "-", status, ms: 0, bytes, ip: printable(address), traceId, code });
    },
  };
}

/** Writes to standard output, like the log. */
export const writeToStdout = (line: string): void => void process.stdout.write(line);

const jsonLine = (timestamp: string, nodeID: string, entry: AccessLogEntry): string =>
  `${JSON.stringify({ timestamp, level: "info", mod: "access", nodeID, ...entry })}\n`;

function textLine(time: string, entry: AccessLogEntry): string {
  const { method, path, status, ms, bytes, ip, userId, traceId, requestId, code } = entry;
  const parts = [method, path, status, `${ms} ms`, `${bytes} B`, ip || "-"];
  if (userId) parts.push(`user=${userId}`);
  parts.push(`trace=${traceId}`);
  if (requestId) parts.push(`request=${requestId}`);
  if (code) parts.push(code);
  return `${time} INFO  access: ${parts.join(" ")}\n`;
}

/** Text from a client as printable ASCII, without control characters and line breaks. */
function printable(text: string): string {
  const escaped = text
    .slice(0, MAX_PATH)
    .replaceAll(/[^\x21-\x7e]/g, (it) => `\\u${it.charCodeAt(0).toString(16).padStart(4, "0")}`);
  return text.length > MAX_PATH ? `${escaped}…` : escaped;
}

/** 499 where the client left first. Clients usually end an event stream, so that does not count. */
function statusOf({ res, answered }: Exchange): number {
  if (answered !== undefined) return answered;
  return res.writableFinished || isStream(res) ? res.statusCode : CLIENT_LEFT;
}

const isStream = (res: ServerResponse): boolean =>
  res.headersSent && res.getHeader("Content-Type") === "text/event-stream";

/**
 * Bytes of the body, where its length was declared and it was sent. Otherwise what the socket has sent since the
 * request began.
 */
function bytesOf({ req, res, sentBefore }: Exchange): number {
  const length = res.getHeader("Content-Length");
  if (req.method === "HEAD" && res.writableFinished) return 0;
  if (res.writableFinished && length !== undefined) return Number(length);
  if (res.writableFinished && (res.statusCode === 204 || res.statusCode === 304)) return 0;
  return Math.max(0, req.socket.bytesWritten - sentBefore);
}
