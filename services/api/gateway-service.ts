/**
 * The gateway as a Moleculer service on moleculer-web. Its routes are static aliases made from the contracts.
 * moleculer-web finds endpoints and calls actions. Its handling of bodies, errors and entity tags is replaced.
 */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Redis } from "ioredis";
import type { Context, Service, ServiceSettingSchema } from "moleculer";
import ApiGateway, {
  type Alias,
  type ApiRouteSchema,
  type ApiSettingsSchema,
  type IncomingRequest,
} from "moleculer-web";
import type { CallMeta } from "../../broker/contract/call-meta.ts";
import type { StreamContract } from "../../broker/contract/contract.ts";
import { errorCode, SoukError } from "../../broker/contract/errors.ts";
import { createTokenVerifier } from "../../broker/http/access/access-token.ts";
import { type Admission, admit, type CallerSession, type Gate } from "../../broker/http/access/admit.ts";
import { createLiveKeys } from "../../broker/http/access/live-keys.ts";
import { createLiveSessions } from "../../broker/http/access/live-sessions.ts";
import { type AccessLog, createAccessLog, writeToStdout } from "../../broker/http/access-log.ts";
import { API_BASE, type ApiRoute, apiRoutes } from "../../broker/http/api-route.ts";
import { type EventStream, openEventStream } from "../../broker/http/event-stream.ts";
import { createGateway, type Gateway } from "../../broker/http/gateway.ts";
import { afterAnswer, type Exchange, exchangeOf } from "../../broker/http/http-exchange.ts";
import { ConcurrencyLimit } from "../../broker/http/limits/concurrency-limit.ts";
import { Connections } from "../../broker/http/limits/connections.ts";
import { createRateLimits } from "../../broker/http/limits/rate-limit.ts";
import { RequestMetrics } from "../../broker/http/metrics.ts";
import { ClientGoneError, failure, problem } from "../../broker/http/problem.ts";
import { reply } from "../../broker/http/reply.ts";
import { traceOf } from "../../broker/http/request/request-headers.ts";
import { originCheck, securityHeaders } from "../../broker/http/response-headers.ts";
import { closeServer, createHttpServer, urlOf } from "../../broker/http/server.ts";
import type { Config } from "../../broker/moleculer/config.ts";
import type { DefinedService } from "../../broker/moleculer/define-service.ts";
import type { TypedCall } from "../../broker/moleculer/handlers.ts";
import { logFormat } from "../../broker/moleculer/log/logger.ts";
import { defineMixin } from "../../broker/moleculer/mixin.ts";
import { ANSWERS_WITHIN_MS, openRedis } from "../../broker/moleculer/redis.ts";
import type { Clock } from "../../broker/resilience/clock.ts";
import { within } from "../../broker/resilience/deadline.ts";
import { rateLimitedLog } from "../../broker/resilience/rate-limited-log.ts";
import { type Notification, notificationOf } from "../../mixins/notify.ts";
import { followChanges } from "./follow-changes.ts";
import { gatewayChecks, gatewayPages } from "./gateway-pages.ts";
import { createStaffRecord, type StaffRecord } from "./record-staff.ts";
import { sendPages } from "./send-pages.ts";

export interface GatewayServiceOptions {
  /** Overrides for tests; milliseconds. */
  headersTimeout?: number;
  requestTimeout?: number;
  /** Where lines of the access log go. Default: standard output. */
  writeAccess?(line: string): void;
}

/** A call without a quick answer is made again with the next request. */
const ASKING = { timeout: 2_000 };

/** Everything whose number is bounded. */
interface Held {
  inFlight: ConcurrencyLimit;
  bodies: ConcurrencyLimit;
  streams: ConcurrencyLimit;
}

/** The state of one running instance of the service. */
interface Running {
  gate: Gate;
  gateway: Gateway;
  server: Server;
  redis: Redis | undefined;
  aliases: ReadonlyMap<string, Alias>;
  held: Held;
  connections: Connections;
  streams: Set<EventStream>;
  acts: StaffRecord;
  draining?: Promise<void>;
}

/** Parameters of the `rest` action, which is called only here. */
interface RestParams {
  req: IncomingRequest & { served?: { api: ApiRoute; rawParams: Record<string, string> } };
  res: ServerResponse;
  api: ApiRoute;
  rawParams: Record<string, string>;
}

/** What of moleculer-web's own mixin is used here. */
interface WebParts {
  aliases: Alias[];
  routeHandler(
    ctx: Context,
    route: Alias["route"],
    req: IncomingMessage,
    res: ServerResponse,
    found: unknown,
  ): Promise<unknown>;
}

/** What a node may do with its gateway. */
export interface DrainableService extends Service {
  /** Stops accepting and waits for running requests. Call it before other services stop. */
  drain(): Promise<void>;
  /** The address where it listens. */
  url(): string;
}

interface GatewayParts extends WebParts, Pick<DrainableService, "drain" | "url"> {
  running: Running;
}
type GatewayService = Service & GatewayParts;

/** Of an action. Moleculer's types do not know it. */
const NO_TIMEOUT = { timeout: 0 };

/** Types settings as moleculer-web's, which Moleculer's own types do not know. */
const webSettings = (settings: ApiSettingsSchema): ServiceSettingSchema => settings;

/** The gateway's service. Its creation fails when the contracts' routes can't be served. */
export function gatewayService(options: GatewayServiceOptions = {}): DefinedService {
  return { ...gateway(options), name: "api", mixins: [ApiGateway] } as DefinedService;
}

const gateway = (options: GatewayServiceOptions) =>
  defineMixin<GatewayParts>({
    settings: webSettings({
      // The registry sends settings to every node. These settings must stay here.
      $secureSettings: ["routes", "server", "port", "ip"],
      // We make the server ourselves, with our limits and our answers to bytes that its parser refuses.
      server: false,
      logRequest: null,
      logRequestParams: null,
      logResponse: null,
      logRouteRegistration: null,
    }),
    // `false` removes a mixin's action. These would let any node list and change routes.
    actions: {
      listAliases: false,
      addRoute: false,
      removeRoute: false,
      rest: {
        ...NO_TIMEOUT,
        visibility: "private",
        // Failures and waits belong to the actions called below. A circuit breaker here would block all routes at
        // once.
        circuitBreaker: { enabled: false },
        bulkhead: { enabled: false },
        retryPolicy: { enabled: false },
        tracing: {
          tags: { params: false },
          spanName: ({ params }: Context) => {
            const { api } = params as RestParams;
            return `${api.method} ${api.pattern}`;
          },
        },
        handler(ctx: Context) {
          return serveRequest(this as GatewayService, ctx, ctx.params as RestParams);
        },
      },
    },
    methods: {
      /** Replaces moleculer-web's method, which answers POSTs with 304 and takes statuses from `$statusCode`. */
      sendResponse(req: RestParams["req"], _res: ServerResponse, data: unknown) {
        const exchange = exchangeOf(req);
        const { gateway } = this.running;
        if (!req.served) throw new Error("the request did not come through the gateway's front");
        reply(exchange, req.served.api, data, req.$ctx.meta).catch((error: unknown) =>
          gateway.fail(exchange, error),
        );
      },
      /** Stops accepting and waits for running requests. A node calls it before it stops its other services. */
      drain(): Promise<void> {
        this.running.draining ??= drain(this.running, this.broker.souk.config);
        return this.running.draining;
      },
      /** Where the gateway listens, for example `http://127.0.0.1:3000`. */
      url(): string {
        return urlOf(this.running.server);
      },
    },
    events: {
      [notificationOf("users")]: {
        // Instances of users send it to each other when a session or a user has changed.
        group: "users",
        handler(ctx: Context<Notification>) {
          this.running.gate.sessions.changed(ctx.params.subject);
          this.running.gate.keys.changed(ctx.params.subject);
        },
      },
    },
    // Before moleculer-web makes its routes, and when there is a broker that knows the contracts.
    merged(schema) {
      const routes = apiRoutes(this.broker.souk.shop.contracts);
      Object.assign(schema.settings ?? {}, webSettings({ routes: [webRoute(routes)] }));
    },
    created() {
      this.running = create(this, options);
    },
    async started() {
      const { HOST, PORT } = this.broker.souk.config;
      const { server, redis } = this.running;
      if (redis) await firstContact(redis);
      await new Promise<void>((resolve, reject) => {
        server.once("error", reject);
        server.listen(PORT, HOST, () => {
          server.off("error", reject);
          resolve();
        });
      });
      this.logger.info(`listening on ${urlOf(server)}`);
    },
    async stopped() {
      await this.drain();
      this.running.redis?.disconnect();
    },
  });

/** All routes as one route of moleculer-web, with an alias each. */
const webRoute = (routes: readonly ApiRoute[]): ApiRouteSchema => ({
  path: API_BASE,
  aliases: Object.fromEntries(routes.map((it) => [`${it.method} ${it.pattern}`, it.action])),
  mappingPolicy: "restrict",
  // Bodies are read after the caller is known. params.ts merges parameters.
  bodyParsers: false,
  mergeParams: false,
  logging: false,
  async onBeforeCall(this: GatewayService, ctx: Context, _route: unknown, req: RestParams["req"]) {
    if (!req.served) throw new Error("the request did not come through the gateway's front");
    const { api, rawParams } = req.served;
    const exchange = exchangeOf(req);
    const { gate, held, acts } = this.running;
    const { params, meta, holder } = await admit(gate, api, exchange, rawParams).catch((error: unknown) => {
      acts.refused(exchange, api, rawParams, error);
      throw error;
    });
    if (exchange.res.destroyed) throw new ClientGoneError("the client left before its call was made");
    afterAnswer(exchange, held.inFlight.take(holder));
    exchange.concluded = await acts.attempted(exchange, api, rawParams);
    Object.assign(ctx.meta, meta);
    req.$params = params;
  },
});

/** Gives a request to moleculer-web's handler of its route. */
function serveRequest(service: GatewayService, ctx: Context, { req, res, api, rawParams }: RestParams) {
  const alias = service.running.aliases.get(api.action);
  if (!alias) throw new Error(`${api.action} has no alias`);
  const exchange = exchangeOf(req);
  const call = ctx.call.bind(ctx);
  ctx.call = ((...args: Parameters<typeof call>) => {
    const work = call(...args);
    exchange.work = work;
    const { concluded } = exchange;
    if (concluded) work.then(() => concluded(), concluded);
    return work;
  }) as typeof ctx.call;
  // What moleculer-web's own handler leaves for the following steps.
  Object.assign(req, {
    $ctx: ctx,
    $service: service,
    originalUrl: req.url,
    parsedUrl: req.url,
    served: { api, rawParams },
  });
  return service.routeHandler(ctx, alias.route, req, res, { alias, params: rawParams });
}

function create(service: GatewayService, options: GatewayServiceOptions): Running {
  const { broker, logger } = service;
  const { config, clock, operations, shop } = broker.souk;
  const routes = apiRoutes(shop.contracts);
  const held = heldOf(config);
  const metrics = new RequestMetrics(held, config.METRICS === "on");
  const connections = new Connections({
    maxPipelined: config.MAX_PIPELINED,
    writeTimeout: config.WRITE_TIMEOUT,
  });
  operations.measure("http", () => metrics.text());
  const call: TypedCall = (name, params, opts) => broker.call(name, params as object, opts);
  const redis =
    config.REDIS_URL && config.RATE_LIMIT !== "off" ? connectRedis(config.REDIS_URL, logger) : undefined;
  const access = accessLog(service, options);
  const publicUrl = config.PUBLIC_URL?.replace(/\/$/, "") ?? "";
  const gateway = createGateway({
    routes,
    pages: gatewayPages(shop, {
      operations,
      config,
      clock,
      call,
      accounts: {
        call: (meta) => (name, params, opts) => broker.call(name, params as object, { ...opts, meta }),
        limit: async ({ clientIp }) => void (await state.gate.limits?.credentials(clientIp)),
        minBodyRate: config.MIN_BODY_RATE,
      },
    }),
    serve,
    publicUrl,
    isAllowedOrigin: originCheck(config.CORS_ORIGINS),
    trustedProxies: config.TRUST_PROXY,
    connections,
    inFlight: held.inFlight,
    metrics,
    ...(access ? { access } : {}),
    log: logger,
  });
  for (const check of gatewayChecks(broker, routes, () => gateway.draining)) operations.check(check);
  const server = createHttpServer({
    handle: gateway.handle,
    refuse(code, req) {
      const { traceId } = req ? exchangeOf(req).trace : traceOf(undefined);
      const about = { base: publicUrl, traceId, instance: "/" };
      return {
        problem: problem(failure(code), about),
        headers: securityHeaders,
      };
    },
    refused(document, req, address, bytes) {
      // A running request gets its own line when its connection has closed.
      if (req) Object.assign(exchangeOf(req), { code: document.code, answered: document.status });
      else access?.refused(document, address, bytes);
    },
    ...(options.headersTimeout === undefined ? {} : { headersTimeout: options.headersTimeout }),
    ...(options.requestTimeout === undefined ? {} : { requestTimeout: options.requestTimeout }),
  });
  const state: Running = {
    gate: {
      verifier: createTokenVerifier(() => call("users.jwks", {}), clock, {
        maxLifetime: config.ACCESS_TOKEN_TTL,
      }),
      sessions: createLiveSessions((ids) => call("users.liveSessions", { ids }, ASKING), clock),
      keys: createLiveKeys((keys) => call("users.liveKeys", { keys }, ASKING), clock),
      ...(config.RATE_LIMIT === "off"
        ? {}
        : { limits: createRateLimits(config.RATE_LIMIT, redis, config.NAMESPACE) }),
      bodies: held.bodies,
      minBodyRate: config.MIN_BODY_RATE,
      fields: broker.souk.shop.fields,
      secure: publicUrl.startsWith("https:"),
      keepPart: (action, part, meta) => broker.call(action, part, { meta: { ...meta } }),
    },
    gateway,
    server,
    redis,
    aliases: new Map(service.aliases.map((alias) => [alias.action, alias])),
    held,
    connections,
    streams: new Set(),
    acts: createStaffRecord(call, clock, logger),
  };

  async function serve(exchange: Exchange, api: ApiRoute, rawParams: Record<string, string>): Promise<void> {
    const { req, res } = exchange;
    const { stream, pages } = api.contract;
    if (stream) {
      const admission = await admit(state.gate, api, exchange, rawParams);
      await serveStream(exchange, admission, api.action, stream);
      return;
    }
    if (pages) {
      const { params, meta, holder } = await admit(state.gate, api, exchange, rawParams);
      if (res.destroyed) throw new ClientGoneError("the client left before its reply was begun");
      afterAnswer(exchange, held.streams.take(holder));
      await sendPages({
        action: api.action,
        contract: pages,
        params,
        meta,
        type: `${api.produces}; charset=utf-8`,
        headOnly: req.method === "HEAD",
        res,
        call: broker.call.bind(broker),
      });
      return;
    }
    try {
      await service.actions.rest?.({ req, res, api, rawParams }, { requestID: exchange.trace.traceId });
    } catch (error) {
      const { $ctx } = req as IncomingRequest;
      const meta: CallMeta | undefined = $ctx?.meta;
      gateway.fail(exchange, error, meta?.$responseHeaders);
    }
  }

  async function serveStream(
    exchange: Exchange,
    { params, meta, session, holder }: Admission,
    action: string,
    contract: StreamContract,
  ): Promise<void> {
    const { req, res } = exchange;
    if (gateway.draining) throw new SoukError("UNAVAILABLE");
    if (req.method === "HEAD") throw new SoukError("METHOD_NOT_ALLOWED");
    if (res.destroyed) throw new ClientGoneError("the client left before its stream was opened");
    afterAnswer(exchange, held.streams.take(holder));
    await followChanges({
      action,
      contract,
      params,
      meta,
      lastEventId: req.headers["last-event-id"]?.toString(),
      call: broker.call.bind(broker),
      log: logger,
      open() {
        const stream = openEventStream(req, res);
        state.streams.add(stream);
        // Who came without a token proves again that the stream is still theirs, when one would have expired.
        const leave = session
          ? endWith(session, clock, () => stream.end())
          : endAfter(config.ACCESS_TOKEN_TTL, () => stream.end());
        stream.closed.addEventListener("abort", () => {
          leave();
          state.streams.delete(stream);
        });
        return stream;
      },
    });
  }

  return state;
}

function accessLog({ broker }: Service, options: GatewayServiceOptions): AccessLog | undefined {
  const { config, clock } = broker.souk;
  if ((config.ACCESS_LOG ?? (config.NODE_ENV === "test" ? "off" : "on")) === "off") return undefined;
  return createAccessLog({
    format: logFormat(config),
    nodeID: broker.nodeID,
    clock,
    write: options.writeAccess ?? writeToStdout,
  });
}

/** A key may be good for years, and no timer runs that long. Its client connects again. */
const LONGEST_STREAM_MS = 3_600_000;
/** How often the session of a long reply is checked. Milliseconds. */
const LOOK_MS = 5_000;

function endAfter(ms: number, end: () => void): () => void {
  const over = setTimeout(end, ms);
  return () => clearTimeout(over);
}

/**
 * Ends a stream when its token expires or its session ends.
 * @returns a function that ends the watch
 */
function endWith({ expires, check }: CallerSession, clock: Clock, end: () => void): () => void {
  const over = setTimeout(end, Math.min(Math.max(1, expires - clock.now()), LONGEST_STREAM_MS));
  const look = setInterval(() => {
    check().catch((error: unknown) => {
      // No node answered. The stream continues, and ends with its token at the latest.
      if (errorCode(error) === "UNAUTHENTICATED") end();
    });
  }, LOOK_MS);
  return () => {
    clearTimeout(over);
    clearInterval(look);
  };
}

/**
 * Announces the stop first: by `/health/ready`, so that load balancers send no more requests, and by every reply,
 * which closes its connection. Later requests are answered for as long as load balancers may take to notice.
 */
async function drain(
  { gateway, server, streams, connections }: Running,
  { SHUTDOWN_DELAY, SHUTDOWN_TIMEOUT }: Config,
): Promise<void> {
  void gateway.drain();
  if (server.listening) await sleep(SHUTDOWN_DELAY);
  for (const stream of streams) stream.end();
  await closeServer(server, gateway.drain(), SHUTDOWN_TIMEOUT);
  connections.stop();
}

/**
 * Without a rate limit per caller there is no concurrency limit per caller either, for load tests from one machine.
 */
function heldOf(config: Config): Held {
  const unless = config.RATE_LIMIT === "off" ? Number.POSITIVE_INFINITY : undefined;
  const each = {
    total: config.MAX_IN_FLIGHT,
    perCaller: config.MAX_IN_FLIGHT_PER_CALLER ?? unless ?? 32,
    perAddress: config.MAX_IN_FLIGHT_PER_ADDRESS ?? unless ?? 128,
  };
  return {
    inFlight: new ConcurrencyLimit("requests", each),
    bodies: new ConcurrencyLimit("bodies", each),
    streams: new ConcurrencyLimit("event streams", {
      total: config.MAX_STREAMS,
      perCaller: config.MAX_STREAMS_PER_CALLER,
      perAddress: config.MAX_STREAMS_PER_ADDRESS,
    }),
  };
}

function connectRedis(url: string, log: Service["logger"]): Redis {
  return openRedis(url, {
    enableOfflineQueue: false,
    commandTimeout: ANSWERS_WITHIN_MS,
    maxRetriesPerRequest: 1,
    limitedLog: rateLimitedLog(log),
    away: "this gateway counts its callers' requests alone, Redis is away",
  });
}

/** Resolves when Redis is connected, or after one second. Earlier counts would be this gateway's alone. */
async function firstContact(redis: Redis): Promise<void> {
  if (redis.status === "ready") return;
  await within(1_000, new Promise<void>((resolve) => redis.once("ready", () => resolve())));
}
