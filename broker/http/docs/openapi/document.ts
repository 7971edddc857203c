/** OpenAPI 3.1 from the contracts: nothing in it is written twice. */
import type { ServiceContract } from "../../../contract/contract.ts";
import { errorsOf } from "../../../contract/errors.ts";
import { API_BASE, apiRoutes } from "../../api-route.ts";
import { Components } from "../components.ts";
import type { JsonSchema } from "../json-schema.ts";
import { version } from "../version.ts";
import { headerParameters, type RouteHeaders } from "./headers.ts";
import { operation, tagOf } from "./operation.ts";

/**
 * @param headers request headers that single actions care about
 * @throws when a contract can't be described
 */
export function openapi(contracts: readonly ServiceContract[], headers: RouteHeaders = {}): JsonSchema {
  const routes = apiRoutes(contracts);
  const components = new Components();
  const codes = errorsOf(contracts).map(([code]) => code);
  const paths: Record<string, Record<string, unknown>> = {};
  // Declared shapes first, so that derived ones are known to be the same.
  for (const { contract } of routes) components.schema(contract.params, "input");
  for (const route of routes) {
    const path = route.pattern.replaceAll(/:([^/]+)/g, "{$1}");
    paths[path] ??= {};
    paths[path][route.method.toLowerCase()] = operation(route, { headers, components, codes });
  }
  const tags = contracts.map((it) => it.service).filter((tag) => routes.some((it) => tagOf(it) === tag));
  return {
    openapi: "3.1.0",
    info: {
      title: "Souk",
      version,
      description:
        "A commerce backend. Money is in minor units, times are RFC 3339 in UTC, ids are UUIDv7. " +
        "Failures are RFC 9457 problem documents with a stable `code`; [all of them](/docs/errors).",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: API_BASE }],
    tags: tags.map((name) => ({ name })),
    paths,
    components: {
      securitySchemes: {
        accessToken: {
          type: "http",
          scheme: "bearer",
          bearerFormat: "JWT",
          description: "Access token from POST /auth/login, valid for 15 minutes at most",
        },
      },
      parameters: headerParameters,
      schemas: components.all(),
    },
  };
}
