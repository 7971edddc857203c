/** Headers of requests and replies: described once, and pointed to by the operations. */
import type { ApiRoute } from "../../api-route.ts";
import { isVoid } from "../../api-route.ts";
import type { JsonSchema } from "../json-schema.ts";

const idempotencyKey = {
  name: "Idempotency-Key",
  in: "header",
  description:
    "Any text of 1 to 255 printable characters, best a new UUID. The same key again gets the first answer again, for 48 hours.",
  schema: { type: "string", minLength: 1, maxLength: 255 },
};

/** Request headers that single operations care about. */
export const headerParameters = {
  IdempotencyKey: {
    ...idempotencyKey,
    required: true,
    example: '"8e03978e-40d5-43e8-bc93-6894a57f9324"',
  },
  // No example: the docs would send it along, and whoever adds to stock twice means it.
  OptionalIdempotencyKey: idempotencyKey,
  CartId: {
    name: "X-Cart-Id",
    in: "header",
    description: "A guest's cart; the first write to a new one gives it in the reply",
    schema: { type: "string", format: "uuid" },
  },
  PreferWait: {
    name: "Prefer",
    in: "header",
    description: "`wait=N`: seconds, at most 10, that the reply may wait for the payment's next action",
    schema: { type: "string" },
    example: "wait=5",
  },
  IfMatch: {
    name: "If-Match",
    in: "header",
    // No example: the docs would send it along, and whoever tries a route would be told of a newer version.
    description: 'Entity tag of the version that is to be changed, like `"3"`; 412 when there is a newer one',
    schema: { type: "string" },
  },
  IfNoneMatch: {
    name: "If-None-Match",
    in: "header",
    description: 'Entity tag that the caller has already, like `"3"`; 304 when it is still right',
    schema: { type: "string" },
  },
  LastEventId: {
    name: "Last-Event-ID",
    in: "header",
    description: "The last event that was seen; the stream goes on after it",
    schema: { type: "string" },
  },
} as const;

/** Request headers that single actions care about, by the action's name. */
export type RouteHeaders = Readonly<Record<string, readonly (keyof typeof headerParameters)[]>>;

const IDEMPOTENCY_PARAMETER = { required: "IdempotencyKey", optional: "OptionalIdempotencyKey" } as const;

export function requestHeaders({ contract, method, action }: ApiRoute, headers: RouteHeaders): JsonSchema[] {
  const names = [
    ...(contract.idempotent ? [IDEMPOTENCY_PARAMETER[contract.idempotent]] : []),
    ...(headers[action] ?? []),
    ...(contract.etag && method === "GET" ? ["IfNoneMatch"] : []),
    ...(contract.etag && ["PUT", "PATCH", "DELETE"].includes(method) ? ["IfMatch"] : []),
    ...(contract.produces === "text/event-stream" ? ["LastEventId"] : []),
  ];
  return names.map((name) => ({ $ref: `#/components/parameters/${name}` }));
}

const text = (description: string) => ({ description, schema: { type: "string" } });

/** Headers of a success. */
export const replyHeaders = ({ contract, createsAt }: ApiRoute): JsonSchema => ({
  ...(contract.etag && !isVoid(contract) ? { ETag: text("Version of what is returned") } : {}),
  ...(createsAt ? { Location: text("Where it can be read") } : {}),
  ...(contract.idempotent ? { "Idempotent-Replayed": text("`true` on a repeated answer") } : {}),
});
