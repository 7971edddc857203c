/**
 * The entry of the gateway. It opens an exchange for every request, finds its route and enforces its limits. It
 * turns every failure into a problem document. `serve` calls the action.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { SoukError } from "../contract/errors.ts";
import type { Log } from "../resilience/log.ts";
import { rateLimitedLog } from "../resilience/rate-limited-log.ts";
import type { AccessLog } from "./access-log.ts";
import { API_BASE, type ApiRoute } from "./api-route.ts";
import { HTML_PAGE_POLICY } from "./html-page.ts";
import { afterAnswer, type Exchange, holderOf, openExchange } from "./http-exchange.ts";
import type { ConcurrencyLimit } from "./limits/concurrency-limit.ts";
import type { Connections } from "./limits/connections.ts";
import { QuotaExceededError, quotaHeaders } from "./limits/rate-limit.ts";
import type { RequestMetrics } from "./metrics.ts";
import { ClientGoneError, failureOf, PROBLEM_TYPE, problem } from "./problem.ts";
import { problemPage } from "./problem-page.ts";
import { setHeaders } from "./reply.ts";
import { accepts, prefersHtml } from "./request/request-headers.ts";
import { checkTarget } from "./request/request-target.ts";
import {
  corsHeaders,
  HSTS,
  type OriginCheck,
  preflightHeaders,
  securityHeaders,
} from "./response-headers.ts";
import { Router } from "./router.ts";

/** A page outside the API: documentation, health, metrics. It throws like an action. */
export interface Page {
  readonly path: string;
  /** GET unless told. */
  readonly method?: "GET" | "POST";
  readonly produces: string;
  /** Answered also under overload, because it reports the gateway's state. */
  readonly always?: boolean;
  respond(exchange: Exchange): void | Promise<void>;
}

type Target = { api: ApiRoute } | { page: Page };

/** Calls the action of an admitted route and replies. Rejects with any failure. */
export type Serve = (exchange: Exchange, route: ApiRoute, rawParams: Record<string, string>) => Promise<void>;

export interface GatewayOptions {
  routes: readonly ApiRoute[];
  pages: readonly Page[];
  serve: Serve;
  /** Public address of the gateway. Empty where unknown. */
  publicUrl: string;
  isAllowedOrigin: OriginCheck;
  /** How many proxies in front of this gateway are trusted to name the client. */
  trustedProxies: number;
  connections: Connections;
  /** Requests in progress, or whose answer is being sent. */
  inFlight: ConcurrencyLimit;
  metrics: RequestMetrics;
  /** Undefined where requests are not logged. */
  access?: AccessLog;
  log: Log;
}

export interface Gateway {
  handle(req: IncomingMessage, res: ServerResponse): void;
  fail(exchange: Exchange, error: unknown, headers?: Readonly<Record<string, string>>): void;
  /** From now on, every reply closes its connection. Resolves when no request is left. */
  drain(): Promise<void>;
  readonly draining: boolean;
}

export function createGateway(options: GatewayOptions): Gateway {
  const {
    routes,
    pages,
    serve,
    publicUrl,
    isAllowedOrigin,
    trustedProxies,
    connections,
    inFlight,
    metrics,
    access,
    log,
  } = options;
  const router = new Router<Target>();
  for (const route of routes) router.add(route.method, API_BASE + route.pattern, { api: route });
  for (const page of pages) router.add(page.method ?? "GET", page.path, { page });
  const always = publicUrl.startsWith("https:") ? { ...securityHeaders, ...HSTS } : securityHeaders;

  const limitedLog = rateLimitedLog(log);
  let draining = false;
  let open = 0;
  let onDrained: (() => void) | undefined;

  function handle(req: IncomingMessage, res: ServerResponse): void {
    connections.request(req, res, () => begin(req, res));
  }

  function begin(req: IncomingMessage, res: ServerResponse): void {
    const exchange = openExchange(req, res, trustedProxies);
    let routeName = "none";
    open++;
    res.once("close", () => {
      open--;
      metrics.observe(
        req.method ?? "",
        routeName,
        res.writableFinished ? res.statusCode : 499,
        seconds(exchange),
      );
      access?.served(exchange);
      if (open === 0) onDrained?.();
    });
    res.on("error", (error) => log.debug("a reply could not be sent", { reason: error.message }));
    setHeaders(res, always);
    res.setHeaders(
      new Map(Object.entries(corsHeaders(req.headers.origin, isAllowedOrigin)) as [string, string][]),
    );
    res.setHeader("X-Request-Id", exchange.requestId);
    if (draining) res.setHeader("Connection", "close");
    dispatch(exchange, (name) => {
      routeName = name;
    }).catch((error: unknown) => fail(exchange, error));
  }

  async function dispatch(exchange: Exchange, named: (route: string) => void): Promise<void> {
    const { req, res, path } = exchange;
    checkTarget(req);
    checkExpectation(req);
    exchange.isPage = !`${path}/`.startsWith(`${API_BASE}/`);
    const found = router.find(path);
    if (!found) {
      if (req.method === "OPTIONS" && path === "*") return noContent(res);
      throw new SoukError("ROUTE_NOT_FOUND");
    }
    const methods = allowedMethods(found.methods);
    if (req.method === "OPTIONS") {
      res.setHeader("Allow", methods.join(", "));
      if (res.hasHeader("Access-Control-Allow-Origin"))
        setHeaders(res, preflightHeaders(methods) as Record<string, string>);
      return noContent(res);
    }
    const match = found.route(req.method === "HEAD" ? "GET" : (req.method ?? ""));
    if (!match) {
      res.setHeader("Allow", methods.join(", "));
      throw new SoukError("METHOD_NOT_ALLOWED");
    }
    if ("page" in match.target) {
      const { page } = match.target;
      named(page.path);
      if (!accepts(req.headers.accept, page.produces)) throw new SoukError("NOT_ACCEPTABLE");
      if (!page.always) afterAnswer(exchange, inFlight.take(holderOf(exchange)));
      await page.respond(exchange);
      return;
    }
    const { api } = match.target;
    named(API_BASE + api.pattern);
    exchange.isPage = api.produces === "text/html";
    if (api.secretParams.size > 0) exchange.shownPath = withoutSecrets(api, match.params);
    // A stream stays open for hours and costs almost nothing, so it has its own limit. Other requests take a slot when
    // the whole request has arrived. Without a free slot, the body is not read.
    if (api.produces !== "text/event-stream") inFlight.check({ ...holderOf(exchange), caller: undefined });
    await serve(exchange, api, match.params);
  }

  function fail(exchange: Exchange, error: unknown, headers: Readonly<Record<string, string>> = {}): void {
    const { req, res, trace, path } = exchange;
    if (error instanceof ClientGoneError || res.destroyed) {
      res.destroy();
      return;
    }
    const failure = failureOf(error);
    const { status } = failure;
    exchange.code = failure.code;
    const about = { method: req.method, path: exchange.shownPath ?? path, traceId: trace.traceId };
    // During an outage or a flood there are thousands per second. The access log has each of them.
    if (failure.code === "INTERNAL")
      limitedLog.error(bugOf(error), "a request failed because of a bug", {
        ...about,
        error: describe(error),
      });
    else if (failure.code === "OVERLOADED")
      limitedLog.warn(failure.code, "requests are refused: too many at once", about);
    else if (status >= 500)
      limitedLog.warn(failure.code, `a request failed: ${failure.code}`, {
        ...about,
        reason: failure.detail,
      });
    if (res.headersSent) {
      res.destroy();
      return;
    }
    setHeaders(res, headers);
    if (error instanceof QuotaExceededError) setHeaders(res, quotaHeaders(error.quota));
    if (status === 401) res.setHeader("WWW-Authenticate", challenge(req));
    if (failure.retryAfter !== undefined) res.setHeader("Retry-After", String(failure.retryAfter));
    const document = problem(failure, { base: publicUrl, traceId: trace.traceId, instance: path });
    if (exchange.isPage) res.appendHeader("Vary", "Accept");
    const asPage = exchange.isPage && prefersHtml(req.headers.accept);
    const body = asPage ? problemPage(document) : JSON.stringify(document);
    if (asPage) res.setHeader("Content-Security-Policy", HTML_PAGE_POLICY);
    const type = asPage ? "text/html; charset=utf-8" : PROBLEM_TYPE;
    res.writeHead(status, { "Content-Type": type, "Content-Length": Buffer.byteLength(body) });
    res.end(body);
  }

  return {
    handle,
    fail,
    get draining() {
      return draining;
    },
    drain() {
      draining = true;
      return new Promise((resolve) => {
        onDrained = resolve;
        if (open === 0) resolve();
      });
    },
  };
}

function checkExpectation({ headers }: IncomingMessage): void {
  if (headers.expect !== undefined && headers.expect.toLowerCase() !== "100-continue")
    throw new SoukError("MALFORMED_REQUEST", "Expect: only 100-continue is supported.");
}

function allowedMethods(methods: readonly string[]): string[] {
  return [...methods, ...(methods.includes("GET") ? ["HEAD"] : []), "OPTIONS"];
}

/** The path of a request to this route, without parameters that grant access. */
const withoutSecrets = (
  { pattern, secretParams }: ApiRoute,
  params: Readonly<Record<string, string>>,
): string =>
  API_BASE +
  pattern.replaceAll(/:([^/]+)/g, (_, name: string) =>
    secretParams.has(name) ? "***" : (params[name] ?? ""),
  );

function noContent(res: ServerResponse): void {
  res.writeHead(204);
  res.end();
}

/** RFC 6750: a caller without a token is told only that one is needed. */
const challenge = ({ headers }: IncomingMessage): string =>
  headers.authorization === undefined ? 'Bearer realm="souk"' : 'Bearer realm="souk", error="invalid_token"';

const seconds = ({ startedAt }: Exchange): number => (performance.now() - startedAt) / 1_000;

/** Identifies a bug by the line that threw. */
const bugOf = (error: unknown): string =>
  error instanceof Error
    ? `${error.name} ${error.stack?.split("\n").find((it) => it.startsWith("    at "))}`
    : "thrown";

const describe = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error);
