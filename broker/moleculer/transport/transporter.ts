/**
 * Moleculer's transporter, made from the configuration. It is passed as an instance, and hides its addresses. So
 * neither the broker's options nor the REPL's `info` show passwords.
 */
import { type BrokerOptions, Transporters } from "moleculer";
import { redact } from "../../contract/secrets/redact.ts";
import { rateLimitedLog } from "../../resilience/rate-limited-log.ts";
import { refused } from "../../resilience/refusals.ts";
import type { Config } from "../config.ts";
import { openRedis } from "../redis.ts";
import { natsRefusal, redisRefusal } from "../refusals.ts";
import { AmqpTransporter } from "./amqp-transporter.ts";

export function createTransporter({
  TRANSPORTER,
  AMQP_URL,
}: Pick<Config, "TRANSPORTER" | "AMQP_URL">): BrokerOptions["transporter"] {
  const chosen = TRANSPORTER ?? AMQP_URL;
  if (!chosen) return null;
  const [kind = "", address] = chosen.includes("://") ? [chosen.split("://")[0], chosen] : [chosen];
  return create(kind.toLowerCase(), address, AMQP_URL);
}

function create(
  kind: string,
  address: string | undefined,
  amqpUrl: string | undefined,
): BrokerOptions["transporter"] {
  switch (kind) {
    case "nats":
      return new NatsTransporter(address ?? "nats://127.0.0.1:4222");
    case "redis":
    case "rediss":
      return new RedisTransporter(address ?? "redis://127.0.0.1:6379");
    case "tcp":
      return new Transporters.TCP(address);
    case "fake":
      return new Transporters.Fake();
    default:
      return amqp(address ?? amqpUrl ?? "", address === undefined ? "AMQP_URL" : "TRANSPORTER");
  }
}

const amqp = (url: string, variable: string) =>
  new AmqpTransporter(
    url,
    {
      // With Nagle's algorithm, each call waits some 20 ms for a delayed ACK. The time-out ends a connection to a
      // RabbitMQ
      // that accepts and says nothing. Otherwise the other addresses would not be tried.
      socketOptions: { noDelay: true, keepAlive: true, timeout: 10_000 },
      eventTimeToLive: 10_000,
      heartbeatTimeToLive: 10_000,
    },
    variable,
  );

/** Several servers of one cluster may be given, separated by commas. The first one has the user. */
class NatsTransporter extends Transporters.NATS {
  readonly #refusal = Promise.withResolvers<never>();
  readonly refused: Promise<never> = this.#refusal.promise;
  #connected = false;

  constructor(addresses: string) {
    const urls = addresses.split(",").map((it) => new URL(it));
    const [first] = urls;
    const [user, pass] = [first?.username ?? "", first?.password ?? ""].map(decodeURIComponent);
    super({
      servers: urls.map((it) => it.host),
      // A function, so that it is not shown.
      ...(user ? { authenticator: () => (pass ? { user, pass } : { auth_token: user }) } : {}),
    } as ConstructorParameters<typeof Transporters.NATS>[0]);
    this.refused.catch(() => undefined);
  }

  /** Moleculer tries again every five seconds after a failure. */
  override async connect(): Promise<void> {
    try {
      await super.connect();
      this.#connected = true;
    } catch (error) {
      const reason = natsRefusal(error, String(this.opts.servers));
      if (reason !== undefined && !this.#connected) this.#refusal.reject(refused("TRANSPORTER", reason));
      throw error;
    }
  }
}

class RedisTransporter extends Transporters.Redis {
  readonly #refusal = Promise.withResolvers<never>();
  readonly refused: Promise<never> = this.#refusal.promise;
  readonly #url: string;

  constructor(url: string) {
    super({ address: redact(url) } as ConstructorParameters<typeof Transporters.Redis>[0]);
    this.#url = url;
    this.refused.catch(() => undefined);
  }

  override getRedisClient() {
    const redis = openRedis(this.#url, {
      limitedLog: rateLimitedLog(this.logger),
      away: "calls to other nodes wait for Redis",
    });
    redis.on("error", (error) => {
      const reason = redisRefusal(error, this.#url);
      // After the first connection this has no effect, because the start has ended.
      if (reason !== undefined) this.#refusal.reject(refused("TRANSPORTER", reason));
    });
    return redis;
  }
}
