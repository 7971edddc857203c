/** The HTTP side of an emulator: routes with raw bodies, and the faults of {@link Knobs.api}. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { ApiFaults, Knobs } from "../../emulator.ts";

/** One request to an emulator. */
export interface Call {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  /** Values of the `:names` in the route's pattern, decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly rawBody: Buffer;
  /** The body as JSON. @throws {SyntaxError} */
  json(): unknown;
  /** The body as a form, with its fields in order. */
  form(): URLSearchParams;
  /** Resolves when the caller has its answer, or will never get one. */
  readonly answered: Promise<void>;
  /** Delays the answer until this settles. */
  holdAnswer(until: Promise<unknown>): void;
}

export interface Answer {
  readonly status: number;
  /** JSON unless it is a string. No body for null. */
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export type Handler = (call: Call) => Answer | Promise<Answer>;

/** By method and path, as in "POST /v1/refunds/:id". Every segment is literal or one `:name`. */
export type Routes = Readonly<Record<string, Handler>>;

export interface HttpAppOptions {
  /** 0 picks a free one. */
  readonly port: number;
  readonly knobs: Knobs;
  /** The provider's API. Faults affect only these routes. */
  readonly routes: Routes;
  /** Control routes, without faults. */
  readonly control: Routes;
  /** The provider's own error for the status of a fault, or for 404 and 500. */
  errorAnswer(status: number, call: Call): Answer;
}

export interface HttpApp {
  readonly url: string;
  close(): Promise<void>;
}

/** Thrown by handlers instead of returning an answer. */
export class Answered extends Error {
  override readonly name = "Answered";
  readonly answer: Answer;

  constructor(answer: Answer) {
    super(`answered ${answer.status}`);
    this.answer = answer;
  }
}

const MAX_BODY = 1_048_576;

/** Listens on the loopback interface only, because an emulator obeys any caller. */
export async function openHttpApp(options: HttpAppOptions): Promise<HttpApp> {
  const routes = compiled(options.routes);
  const control = compiled(options.control);
  const server = createServer((request, response) => {
    void serve(request, response).catch((error: Error) => {
      console.error(`emulator: ${request.method} ${request.url} failed`, error);
      response.destroy();
    });
  });
  server.listen(options.port, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const rawBody = await bodyOf(request);
    if (!rawBody) return send(response, { status: 413, body: { error: "the body is too large" } });
    const path = new URL(request.url ?? "/", "http://emulator");
    const method = request.method ?? "GET";
    const controlled = match(control, method, path.pathname);
    const found = controlled ?? match(routes, method, path.pathname);
    const answered = Promise.withResolvers<void>();
    const held: Promise<unknown>[] = [];
    const call: Call = {
      method,
      path: path.pathname,
      params: found?.params ?? {},
      query: path.searchParams,
      headers: flat(request.headers),
      rawBody,
      json: () => JSON.parse(rawBody.toString("utf8")),
      form: () => new URLSearchParams(rawBody.toString("utf8")),
      answered: answered.promise,
      holdAnswer: (until) => held.push(until),
    };
    try {
      const fault = controlled ? undefined : nextFault(options.knobs.api, method, path.pathname);
      if (fault === "unreachable") return void response.destroy();
      if (typeof fault === "number") return send(response, options.errorAnswer(fault, call));
      const answer = found ? await answerOf(found.handler, call) : options.errorAnswer(404, call);
      await Promise.all(held);
      if (fault === "reset") return void response.destroy();
      // The caller times out by itself. The connection is closed together with the emulator.
      if (fault !== "timeout") send(response, answer);
    } finally {
      answered.resolve();
    }
  }

  async function answerOf(handler: Handler, call: Call): Promise<Answer> {
    try {
      return await handler(call);
    } catch (error) {
      if (error instanceof Answered) return error.answer;
      if (error instanceof SyntaxError) return options.errorAnswer(400, call);
      console.error(`emulator: ${call.method} ${call.path} failed`, error);
      return options.errorAnswer(500, call);
    }
  }

  return { url: `http://127.0.0.1:${port}`, close: () => closed(server) };
}

/** The first fault that matches this request. It counts down. */
function nextFault(faults: ApiFaults[], method: string, path: string): ApiFaults["fault"] | undefined {
  const at = faults.findIndex((it) => it.times > 0 && meets(it.route, method, path));
  const met = faults[at];
  if (!met) return undefined;
  if (met.times > 1) faults[at] = { ...met, times: met.times - 1 };
  else faults.splice(at, 1);
  return met.fault;
}

function meets(route: string | undefined, method: string, path: string): boolean {
  if (route === undefined) return true;
  const [wanted, pattern = ""] = route.split(" ");
  const segments = pattern.split("/");
  const given = path.split("/");
  return (
    wanted === method &&
    segments.length === given.length &&
    segments.every((it, i) => it === "*" || it === given[i])
  );
}

interface CompiledRoute {
  readonly method: string;
  readonly segments: readonly string[];
  readonly handler: Handler;
}

const compiled = (routes: Routes): CompiledRoute[] =>
  Object.entries(routes).map(([pattern, handler]) => {
    const [method = "", path = ""] = pattern.split(" ");
    return { method, segments: path.split("/"), handler };
  });

function match(
  routes: readonly CompiledRoute[],
  method: string,
  path: string,
): { handler: Handler; params: Record<string, string> } | undefined {
  const given = path.split("/");
  for (const route of routes) {
    if (route.method !== method || route.segments.length !== given.length) continue;
    const params: Record<string, string> = {};
    const fits = route.segments.every((segment, i) => {
      const value = given[i] ?? "";
      if (!segment.startsWith(":")) return segment === value;
      params[segment.slice(1)] = decodeURIComponent(value);
      return value !== "";
    });
    if (fits) return { handler: route.handler, params };
  }
  return undefined;
}

async function bodyOf(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size <= MAX_BODY) chunks.push(chunk as Buffer);
  }
  return size <= MAX_BODY ? Buffer.concat(chunks) : undefined;
}

const flat = (headers: IncomingMessage["headers"]): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));

function send(response: ServerResponse, { status, body, headers = {} }: Answer): void {
  if (body === null) return void response.writeHead(status, headers).end();
  const text = typeof body === "string";
  const bytes = Buffer.from(text ? body : JSON.stringify(body));
  response
    .writeHead(status, {
      "content-type": text ? "text/plain; charset=utf-8" : "application/json",
      "content-length": bytes.length,
      ...headers,
    })
    .end(bytes);
}

async function closed(server: Server): Promise<void> {
  const gone = once(server, "close");
  server.close();
  server.closeAllConnections();
  await gone;
}
