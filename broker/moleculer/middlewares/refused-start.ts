/**
 * A start that can't get well by waiting ends: Moleculer itself would try for ever to reach a server that refuses
 * this node. Users of Redis would continue without it.
 */
import type { Middleware, ServiceBroker } from "moleculer";
import { checkRedis } from "../redis.ts";

/** A transporter that detects when waiting is useless. The promise is then rejected, before the first connection. */
interface Refusable {
  readonly refused: Promise<never>;
}

/** @param redisUrl where Redis is used */
export function refusedStart(redisUrl: string | undefined): Middleware {
  return {
    name: "RefusedStart",

    created(broker: ServiceBroker) {
      const start = broker.start.bind(broker);
      broker.start = () => {
        const transporter: unknown = broker.transit?.tx;
        return isRefusable(transporter) ? Promise.race([start(), transporter.refused]) : start();
      };
    },

    async starting(broker: ServiceBroker) {
      if (!redisUrl) return;
      const away = await checkRedis(redisUrl, "REDIS_URL");
      if (away !== undefined)
        broker.getLogger("redis").warn(`Redis is away, the node starts without it: ${away}`);
    },
  };
}

const isRefusable = (it: unknown): it is Refusable =>
  typeof it === "object" && it !== null && "refused" in it && it.refused instanceof Promise;
