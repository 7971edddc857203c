/**
 * A start that can't get well by waiting ends: Moleculer itself would try for ever to reach a server that refuses
 * this node. Users of Redis would continue without it.
 */
import type { Middleware, ServiceBroker } from "moleculer";
import { refused } from "../../resilience/refusals.ts";
import { checkRedis } from "../redis.ts";
import { redisPlace } from "../redis-address.ts";
import { redisRisks } from "../redis-risks.ts";

/** A transporter that detects when waiting is useless. The promise is then rejected, before the first connection. */
interface Refusable {
  readonly refused: Promise<never>;
}

/**
 * @param redisUrl where Redis is used
 * @param isProduction there, a Redis that removes data ends the start
 */
export function refusedStart(redisUrl: string | undefined, isProduction: boolean): Middleware {
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
      const log = broker.getLogger("redis");
      const away = await checkRedis(redisUrl, "REDIS_URL", (info) => {
        const { evicts, forgets } = redisRisks(info);
        if (evicts !== undefined && isProduction)
          throw refused("REDIS_URL", `Redis at ${redisPlace(redisUrl).host} ${evicts}`);
        for (const risk of [evicts, forgets]) if (risk !== undefined) log.warn(`Redis ${risk}`);
      });
      if (away !== undefined) log.warn(`Redis is away, the node starts without it: ${away}`);
    },
  };
}

const isRefusable = (it: unknown): it is Refusable =>
  typeof it === "object" && it !== null && "refused" in it && it.refused instanceof Promise;
