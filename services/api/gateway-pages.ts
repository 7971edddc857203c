/** What the gateway serves beside the API: docs, health, metrics. */
import type { ServiceBroker } from "moleculer";
import { busMetrics } from "../../broker/bus/bus-metrics.ts";
import type { ServiceContract } from "../../broker/contract.ts";
import type { ApiRoute } from "../../broker/http/api-route.ts";
import { asyncapi } from "../../broker/http/asyncapi.ts";
import type { Page } from "../../broker/http/gateway.ts";
import { type Check, readiness } from "../../broker/http/health.ts";
import { moleculerMetrics, type RequestMetrics } from "../../broker/http/metrics.ts";
import { openapi, type RouteHeaders } from "../../broker/http/openapi.ts";
import { docsPages, live } from "../../broker/http/pages.ts";

const PROMETHEUS = "text/plain";

export interface PagesOptions {
  contracts: readonly ServiceContract[];
  routes: readonly ApiRoute[];
  routeHeaders: RouteHeaders;
  metrics: RequestMetrics;
  isDraining(): boolean;
}

export function gatewayPages(
  broker: ServiceBroker,
  { contracts, routes, routeHeaders, metrics, isDraining }: PagesOptions,
): Page[] {
  const checks = [...serviceChecks(broker, routes), busCheck(broker), databaseCheck(broker)];
  return [
    ...docsPages(
      () => openapi(contracts, routeHeaders),
      () => asyncapi(contracts),
    ),
    live("/health/live", "application/json", async () => ({ status: 200, body: '{"status":"live"}' })),
    live("/health/ready", "application/json", async () => {
      if (isDraining()) return notReady([{ check: "gateway", reason: "is stopping" }]);
      const { ready, missing } = await readiness(checks);
      return ready ? { status: 200, body: '{"status":"ready"}' } : notReady(missing);
    }),
    ...(broker.souk.config.METRICS === "on"
      ? [
          live("/metrics", PROMETHEUS, async () => ({
            status: 200,
            body: metrics.text() + (await busMetrics(broker)) + moleculerMetrics(broker.metrics),
          })),
        ]
      : []),
  ];
}

const notReady = (missing: readonly { check: string; reason: string }[]) => ({
  status: 503,
  body: JSON.stringify({ status: "not ready", missing }),
});

/** Every service that a route leads to, and `users`, whose keys every signed-in request needs. */
function serviceChecks(broker: ServiceBroker, routes: readonly ApiRoute[]): Check[] {
  const services = new Set(["users", ...routes.map(({ action }) => action.slice(0, action.indexOf(".")))]);
  return [...services].map((name) => ({
    name: `service ${name}`,
    async run() {
      const known = broker.registry.getServiceList({ onlyAvailable: true });
      if (!known.some((it: { name: string }) => it.name === name)) throw new Error("runs on no node");
    },
  }));
}

const busCheck = ({ souk }: ServiceBroker): Check => ({
  name: "bus",
  async run() {
    if (souk.bus.state !== "connected") throw new Error(`is ${souk.bus.state}`);
  },
});

const databaseCheck = ({ souk }: ServiceBroker): Check => ({
  name: "database",
  async run() {
    await souk.pingDatabase().catch((cause: unknown) => {
      // Driver text names hosts; the log has it.
      souk.logger("api").warn("the database does not answer", { reason: String(cause) });
      throw new Error("does not answer");
    });
  },
});
