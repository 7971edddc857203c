/** What the gateway serves beside the API: docs and health. */
import type { ServiceBroker } from "moleculer";
import { serviceOf } from "../../broker/contract/contract.ts";
import { errorsOf } from "../../broker/contract/errors.ts";
import type { ApiRoute } from "../../broker/http/api-route.ts";
import { asyncapi } from "../../broker/http/docs/asyncapi.ts";
import { openapi } from "../../broker/http/docs/openapi/document.ts";
import { docsPages, fixed, live } from "../../broker/http/docs/pages.ts";
import type { Page } from "../../broker/http/gateway.ts";
import { HTML_PAGE_POLICY } from "../../broker/http/html-page.ts";
import type { Config } from "../../broker/moleculer/config.ts";
import type { Extension } from "../../broker/moleculer/extension.ts";
import type { TypedCall } from "../../broker/moleculer/handlers.ts";
import { LIVE, type Operations, readyReply } from "../../broker/moleculer/operations/operations.ts";
import type { Check } from "../../broker/moleculer/operations/readiness.ts";
import type { Clock } from "../../broker/resilience/clock.ts";
import { type AccountPagesOptions, accountPages } from "./account-pages/pages.ts";
import { devMailPages } from "./dev-mail-pages.ts";
import { jwksPage } from "./jwks-page.ts";
import { startPage } from "./start-page.ts";

interface PageTools {
  operations: Operations;
  config: Config;
  clock: Clock;
  call: TypedCall;
  accounts: AccountPagesOptions;
}

export function gatewayPages(
  { contracts, fields, providers = [] }: Extension,
  { operations, config, clock, call, accounts }: PageTools,
): Page[] {
  const errors = errorsOf([...contracts, ...providers]);
  return [
    fixed("/", "text/html", () => startPage(config), HTML_PAGE_POLICY),
    ...devMailPages(config, call),
    ...docsPages({
      openapi: () => openapi(contracts, fields, errors),
      asyncapi: () => asyncapi(contracts),
      errors: () => errors,
    }),
    ...accountPages(accounts),
    jwksPage(() => call("users.jwks", {}), clock),
    live("/health/live", "application/json", async () => ({ status: 200, body: LIVE })),
    live("/health/ready", "application/json", async () => readyReply(await operations.ready())),
  ];
}

/** What a gateway needs to be ready, in addition to other nodes' needs. */
export function gatewayChecks(
  broker: ServiceBroker,
  routes: readonly ApiRoute[],
  isDraining: () => boolean,
): Check[] {
  const draining: Check = {
    name: "gateway",
    async run() {
      if (isDraining()) throw new Error("is stopping");
    },
  };
  return [draining, ...serviceChecks(broker, routes)];
}

/** Every service that a route calls, and `users`, whose keys every signed-in request needs. */
function serviceChecks(broker: ServiceBroker, routes: readonly ApiRoute[]): Check[] {
  const services = new Set(["users", ...routes.map(({ action }) => serviceOf(action))]);
  return [...services].map((name) => ({
    name: `service ${name}`,
    async run() {
      const known = broker.registry.getServiceList({ onlyAvailable: true });
      if (!known.some((it: { name: string }) => it.name === name)) throw new Error("runs on no node");
    },
  }));
}
