/** A gateway over real sockets, with fake services that have the contracts' names. */
import { connect } from "node:net";
import { type CryptoKey, exportJWK, generateKeyPair, type JWK } from "jose";
import { ServiceBroker, type ServiceSchema } from "moleculer";
import type { CallMeta } from "../../../broker/contract/call-meta.ts";
import type { Scope, ServiceContract } from "../../../broker/contract/contract.ts";
import { newId } from "../../../broker/contract/ids.ts";
import { signAccessToken } from "../../../broker/http/access/access-token.ts";
import { loadConfig } from "../../../broker/moleculer/config.ts";
import { ContractValidator } from "../../../broker/moleculer/contract-validator.ts";
import { transientErrors } from "../../../broker/moleculer/middlewares/transient-errors.ts";
import { busCheck, databaseCheck } from "../../../broker/moleculer/operations/checks.ts";
import { createOperations } from "../../../broker/moleculer/operations/operations.ts";
import type { NodeRuntime } from "../../../broker/moleculer/runtime.ts";
import { type Clock, systemClock } from "../../../broker/resilience/clock.ts";
import type { DrainableService, GatewayServiceOptions } from "../../../services/api/gateway-service.ts";
import { gatewayService } from "../../../services/api/gateway-service.ts";
import core from "../../../services/index.ts";
import { memoryFiles } from "../../../souk/testing/memory-files.ts";

export interface FakeCall<P = Record<string, unknown>> {
  params: P;
  meta: CallMeta;
}
export type Fake = (call: FakeCall) => unknown;

export interface GatewaySetup {
  env?: Record<string, string>;
  /** By full action name. Every other action of the contracts answers as if it did not exist. */
  fakes?: Record<string, Fake>;
  contracts?: readonly ServiceContract[];
  /** Leaves services out of the registry. */
  absent?: readonly string[];
  options?: Partial<GatewayServiceOptions>;
  clock?: Clock;
  runtime?: Partial<NodeRuntime>;
  /** Joins the other brokers of this process with the same one, over Moleculer's transporter for tests. */
  namespace?: string;
  /** Log lines of level error and above land here. */
  errors?: unknown[][];
}

export interface TestGateway {
  broker: ServiceBroker;
  api: DrainableService;
  url: string;
  /** Every call that reached a fake. */
  calls: (FakeCall & { action: string })[];
  keys: Keys;
  /** @param scopes of staff; all that routes ask for unless given */
  token(roles?: CallerRoles, sub?: string, scopes?: Scope[]): Promise<string>;
  /** Ends the session with this id, or all of this user, and tells nobody. */
  end(sessionOrUser: string): void;
  get(path: string, headers?: Record<string, string>): Promise<Reply>;
  send(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Reply>;
  stop(): Promise<void>;
}

type CallerRoles = NonNullable<CallMeta["user"]>["roles"];

export interface Reply {
  status: number;
  headers: Headers;
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of any shape
  body: any;
}

export interface Keys {
  kid: string;
  privateKey: CryptoKey;
  publicKey: CryptoKey;
  jwk: JWK;
}

async function newKeys(kid = "test-key"): Promise<Keys> {
  const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
  return {
    kid,
    privateKey,
    publicKey,
    jwk: { ...(await exportJWK(publicKey)), kid, alg: "ES256", use: "sig" },
  };
}

const keysOnce = newKeys();
/** Sessions of the tokens that were made: all gateways of a test have the same users. */
const live = new Map<string, { id: string; userId: string; roles: CallerRoles; scopes?: Scope[] }>();

export async function startGateway(setup: GatewaySetup = {}): Promise<TestGateway> {
  const { env = {}, fakes = {}, contracts = core.contracts, absent = [], clock = systemClock } = setup;
  const keys = await keysOnce;
  const everyScope = contracts.flatMap(({ actions }) =>
    Object.values(actions).flatMap((it) => [it.scope ?? [], it.alsoScope ?? []].flat()),
  );
  const calls: TestGateway["calls"] = [];
  const broker = new ServiceBroker({
    nodeID: `test-${newId()}`,
    ...(setup.namespace ? { namespace: setup.namespace, transporter: "Fake" } : {}),
    logger: setup.errors ? collector(setup.errors) : false,
    validator: new ContractValidator(),
    middlewares: [transientErrors],
    tracking: { enabled: true, shutdownTimeout: 1_000 },
    circuitBreaker: {
      enabled: true,
      minRequestCount: 50,
      threshold: 0.9,
      check: (error) => "code" in error && Number(error.code) >= 500,
    },
  });
  const operations = createOperations();
  operations.check(busCheck(() => broker.souk.bus));
  operations.check(databaseCheck(() => broker.souk.pingDatabase, broker.getLogger("database")));
  broker.souk = {
    config: loadConfig({ PORT: "0", RATE_LIMIT: "off", ACCESS_LOG: "off", SHUTDOWN_TIMEOUT: "2s", ...env }),
    shop: { ...core, contracts },
    clock,
    bus: { state: "connected" },
    files: memoryFiles(),
    pingDatabase: async () => undefined,
    operations,
    logger: (module: string) => broker.getLogger(module),
    ...setup.runtime,
  } as NodeRuntime;
  const all: Record<string, Fake> = {
    "users.jwks": () => ({ keys: [keys.jwk] }),
    "users.liveSessions": ({ params: { ids } }) => (ids as string[]).flatMap((it) => live.get(it) ?? []),
    ...fakes,
  };
  for (const contract of contracts)
    if (!absent.includes(contract.service)) broker.createService(fakeService(contract, all, calls));
  if (!contracts.some((it) => it.service === "users") && !absent.includes("users"))
    broker.createService({
      name: "users",
      actions: {
        jwks: all["users.jwks"] as () => unknown,
        liveSessions: all["users.liveSessions"] as () => unknown,
      },
    });
  const api = broker.createService(gatewayService(setup.options)) as DrainableService;
  await broker.start();
  const url = api.url();
  const send: TestGateway["send"] = async (method, path, body, headers = {}) => {
    const json = body !== undefined && typeof body !== "string";
    const response = await fetch(url + path, {
      method,
      redirect: "manual",
      headers: { ...(json ? { "content-type": "application/json" } : {}), ...headers },
      ...(body === undefined ? {} : { body: json ? JSON.stringify(body) : (body as string) }),
    });
    const text = await response.text();
    const type = response.headers.get("content-type") ?? "";
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: type.includes("json") && text ? JSON.parse(text) : undefined,
    };
  };
  return {
    broker,
    api,
    url,
    calls,
    keys,
    token(roles = ["customer"], sub = newId(), scopes = roles.includes("staff") ? everyScope : undefined) {
      const sid = newId();
      live.set(sid, { id: sid, userId: sub, roles, ...(scopes ? { scopes } : {}) });
      return signAccessToken(keys.privateKey, keys.kid, { sub, sid, roles: [...roles] }, 900, clock);
    },
    end(id) {
      for (const it of live.values()) if ([it.id, it.userId].includes(id)) live.delete(it.id);
    },
    get: (path, headers) => send("GET", path, undefined, headers),
    send,
    stop: () => broker.stop(),
  };
}

function fakeService(
  contract: ServiceContract,
  fakes: Record<string, Fake>,
  calls: TestGateway["calls"],
): ServiceSchema {
  // The gateway asks these for parts of a file: each file has one empty part.
  const parts = new Set(Object.values(contract.actions).flatMap((it) => it.pages?.action ?? []));
  return {
    name: contract.service,
    actions: Object.fromEntries(
      Object.keys(contract.actions).map((name) => {
        const action = `${contract.service}.${name}`;
        return [
          name,
          {
            params: { $contract: action },
            handler(ctx: FakeCall) {
              calls.push({ action, params: ctx.params, meta: { ...ctx.meta } });
              return fakes[action]?.(ctx) ?? (parts.has(name) ? { text: "", next: null } : null);
            },
          },
        ];
      }),
    ),
  };
}

function collector(errors: unknown[][]) {
  return {
    type: "Console",
    options: {
      level: "error",
      formatter: (type: string, args: unknown[]) => {
        errors.push([type, ...args]);
        return [];
      },
    },
  };
}

/** Writes bytes to the gateway as they are; resolves with all it answers until it closes, or after `ms`. */
export function raw(url: string, bytes: string | Buffer, ms = 1_500): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    const done = () => {
      clearTimeout(timer);
      socket.destroy();
      resolve(Buffer.concat(chunks).toString());
    };
    const timer = setTimeout(done, ms);
    socket.on("data", (chunk) => chunks.push(chunk));
    socket.on("close", done);
    socket.on("error", done);
  });
}
