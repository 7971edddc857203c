/** HTTP as bytes: a request written in any way, right or wrong, and the answers that came back. */
import type { SeededRandom } from "../support/seeded-random.ts";

export interface WireRequest {
  method: string;
  target: string;
  headers: [name: string, value: string][];
  body?: Buffer;
}

/** Well-formed: its length said, or in chunks. */
export function bytesOf({ method, target, headers, body }: WireRequest, chunks?: SeededRandom): Buffer {
  const lines = [`${method} ${target} HTTP/1.1`, "Host: shop.test", ...headers.map(([n, v]) => `${n}: ${v}`)];
  if (body === undefined) return Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
  lines.push(chunks ? "Transfer-Encoding: chunked" : `Content-Length: ${body.length}`);
  const head = Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
  return Buffer.concat([head, chunks ? chunked(chunks, body) : body]);
}

function chunked(random: SeededRandom, body: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < body.length; ) {
    const size = random.between(1, Math.max(1, Math.min(body.length - at, 5_000)));
    const more = random.chance(0.1) ? ";ext=1" : "";
    parts.push(
      Buffer.from(`${size.toString(16)}${more}\r\n`),
      body.subarray(at, at + size),
      Buffer.from("\r\n"),
    );
    at += size;
  }
  parts.push(Buffer.from(random.chance(0.1) ? "0\r\nX-Trailer: x\r\n\r\n" : "0\r\n\r\n"));
  return Buffer.concat(parts);
}

const NONSENSE: readonly ((random: SeededRandom, request: WireRequest) => Buffer)[] = [
  // Cut off anywhere.
  (random, it) => {
    const whole = bytesOf(it);
    return whole.subarray(0, random.between(1, whole.length - 1));
  },
  // Some bytes are others.
  (random, it) => {
    const bytes = Buffer.from(bytesOf(it));
    for (let n = random.between(1, 4); n > 0; n--)
      bytes[random.between(0, bytes.length - 1)] = random.between(0, 255);
    return bytes;
  },
  // Chunks whose sizes are wrong, or none.
  (random, it) => {
    const sizes = ["zz", "-1", "ffffffffffffffff", "5;".padEnd(20_000, "x"), " 5", "0x5", "5\n", ""];
    const head = bytesOf({ ...it, headers: [...it.headers, ["Transfer-Encoding", "chunked"]] });
    return Buffer.concat([head, Buffer.from(`${random.pick(sizes)}\r\nhello\r\n0\r\n\r\n`)]);
  },
  // Two lengths, or a length and chunks, as in request smuggling.
  (random, it) => {
    const both: [string, string][][] = [
      [
        ["Content-Length", "5"],
        ["Content-Length", "6"],
      ],
      [
        ["Content-Length", "5"],
        ["Transfer-Encoding", "chunked"],
      ],
      [["Transfer-Encoding", "gzip, chunked"]],
      [["Transfer-Encoding", "identity"]],
      [["Content-Length", "-5"]],
      [["Content-Length", "5, 5"]],
      [["Content-Length", "99999999999999999999"]],
    ];
    return Buffer.concat([bytesOf({ ...it, headers: random.pick(both) }), Buffer.from("hello")]);
  },
  // Heads that no client writes.
  (random, it) => {
    const { method, target } = it;
    return Buffer.from(
      random.pick([
        `${method} ${target}\r\n\r\n`,
        `${method} ${target} HTTP/0.9\r\n\r\n`,
        `${method} ${target} HTTP/1.1\r\n\r\n`,
        `${method} ${target} HTTP/2.0\r\nHost: a\r\n\r\n`,
        `${method} ${target} HTTP/1.1\nHost: a\n\n`,
        `${method}  ${target}  HTTP/1.1\r\nHost: a\r\n\r\n`,
        `BREW ${target} HTTP/1.1\r\nHost: a\r\n\r\n`,
        `CONNECT shop.test:443 HTTP/1.1\r\nHost: a\r\n\r\n`,
        `GET ${target} HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n`,
        `${method} ${target} HTTP/1.1\r\nHost : a\r\n\r\n`,
        `${method} ${target} HTTP/1.1\r\nHost: a\r\nX: b\r\n folded\r\n\r\n`,
        `${method} ${target} HTTP/1.1\r\nHost: a\r\nX\u0000Y: b\r\n\r\n`,
        `${method} ${target} HTTP/1.1\r\nHost: a\r\nX: b\u0000c\r\n\r\n`,
        `${method} ${target} HTTP/1.1\r\nHost: a\r\nX: ${"y".repeat(20_000)}\r\n\r\n`,
        `${method} ${target} HTTP/1.1\r\nHost: a\r\n${"X: y\r\n".repeat(3_000)}\r\n`,
        `${method} ${target} HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\n\r\n`,
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003",
        "\r\n\r\n\r\n",
      ]),
      "latin1",
    );
  },
];

/** Bytes that are no request, or hardly one. */
export const nonsense = (random: SeededRandom, request: WireRequest): Buffer =>
  random.pick(NONSENSE)(random, request);

export interface WireAnswer {
  status: number;
  headers: ReadonlyMap<string, string>;
  body: Buffer;
  /** More of it may come: an event stream. */
  open: boolean;
}

/**
 * The next whole answer in what has come.
 * @param method of its request: an answer to HEAD has no body
 * @param closed nothing more will come
 * @returns undefined while it is not whole
 * @throws Error when it is no HTTP
 */
export function nextAnswer(
  bytes: Buffer,
  method: string,
  closed: boolean,
): { answer: WireAnswer; length: number } | undefined {
  const end = bytes.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const [first = "", ...lines] = bytes.subarray(0, end).toString("latin1").split("\r\n");
  const status = Number(/^HTTP\/1\.1 (\d{3})(?: |$)/.exec(first)?.[1]);
  if (!status) throw new Error(`no status line: ${first.slice(0, 100)}`);
  const headers = new Map(
    lines.map((line) => [
      line.slice(0, line.indexOf(":")).toLowerCase(),
      line.slice(line.indexOf(":") + 1).trim(),
    ]),
  );
  const start = end + 4;
  const done = (body: Buffer, length: number, open = false) => ({
    answer: { status, headers, body, open },
    length,
  });
  if (status === 100) {
    const next = nextAnswer(bytes.subarray(start), method, closed);
    return next && { ...next, length: next.length + start };
  }
  if (method === "HEAD" || status === 204 || status === 304) return done(Buffer.alloc(0), start);
  if (headers.get("content-type")?.startsWith("text/event-stream")) return done(Buffer.alloc(0), start, true);
  if (headers.get("transfer-encoding") === "chunked") {
    const whole = unchunked(bytes, start);
    return whole && done(whole.body, whole.end);
  }
  const length = headers.get("content-length");
  if (length === undefined) return closed ? done(bytes.subarray(start), bytes.length) : undefined;
  if (bytes.length < start + Number(length)) return undefined;
  return done(bytes.subarray(start, start + Number(length)), start + Number(length));
}

function unchunked(bytes: Buffer, start: number): { body: Buffer; end: number } | undefined {
  const parts: Buffer[] = [];
  for (let at = start; ; ) {
    const line = bytes.indexOf("\r\n", at);
    if (line < 0) return undefined;
    const size = Number.parseInt(bytes.subarray(at, line).toString(), 16);
    if (Number.isNaN(size)) throw new Error("a chunk has no size");
    const end = line + 2 + size + 2;
    if (bytes.length < end) return undefined;
    parts.push(bytes.subarray(line + 2, line + 2 + size));
    if (size === 0) return { body: Buffer.concat(parts), end };
    at = end;
  }
}
