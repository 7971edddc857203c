/** Headers of requests and replies. Each is described once, and the operations refer to it. */
import type { z } from "zod";
import { type ApiRoute, isVoid } from "../../api-route.ts";
import type { JsonSchema } from "../json-schema.ts";
import { typeName } from "../schemas.ts";
import type { Components } from "./components.ts";

const idempotencyKey = {
  description:
    "Any text of 1 to 255 printable characters, best a new UUID. " +
    "The same key with the same request gets the first answer again, for 48 hours.",
  schema: { type: "string", minLength: 1, maxLength: 255 },
};

const REQUEST = {
  IdempotencyKey: {
    name: "Idempotency-Key",
    required: true,
    ...idempotencyKey,
    example: '"8e03978e-40d5-43e8-bc93-6894a57f9324"',
  },
  // No example: the docs page would send it, and a second increase of stock may be intended.
  OptionalIdempotencyKey: { name: "Idempotency-Key", ...idempotencyKey },
  IfMatch: {
    name: "If-Match",
    // No example: the docs page would send it, and a first try would fail with a version mismatch.
    description: 'Entity tag of the version that is to be changed, like `"3"`; 412 when there is a newer one',
    schema: { type: "string" },
  },
  IfNoneMatch: {
    name: "If-None-Match",
    description: 'Entity tag that the caller has already, like `"3"`; 304 when it is still right',
    schema: { type: "string" },
  },
  LastEventId: {
    name: "Last-Event-ID",
    description: "Id of the last event that was seen; the stream goes on after it",
    schema: { type: "string" },
  },
} as const;

const IDEMPOTENCY_PARAMETER = { required: "IdempotencyKey", optional: "OptionalIdempotencyKey" } as const;

export function requestHeaders(route: ApiRoute, components: Components): JsonSchema[] {
  const { contract, method, produces } = route;
  const names: (keyof typeof REQUEST)[] = [
    ...(contract.idempotent ? [IDEMPOTENCY_PARAMETER[contract.idempotent]] : []),
    ...(isRead(route) ? (["IfNoneMatch"] as const) : []),
    ...(contract.etag && ["PUT", "PATCH", "DELETE"].includes(method) ? (["IfMatch"] as const) : []),
    ...(produces === "text/event-stream" ? (["LastEventId"] as const) : []),
  ];
  const usual = names.map((name) => components.parameters.add(name, { in: "header", ...REQUEST[name] }));
  const own = Object.entries(contract.headers?.request ?? {}).map(([name, schema]) =>
    components.parameters.add(typeName(name), { name, in: "header", ...described(schema, components) }),
  );
  return [...usual, ...own];
}

/** Its replies have an entity tag, and 304 is one of them. What is sent in parts has no tag. */
export const isRead = ({ contract, method, produces }: ApiRoute): boolean =>
  method === "GET" && produces !== "text/event-stream" && !contract.pages;

const text = (description: string, example: string): JsonSchema => ({
  description,
  schema: { type: "string" },
  example,
});

const REPLY = {
  "X-Request-Id": text(
    "The request's own `X-Request-Id`, or an id made for it",
    "0af7651916cd43dd8448eb211c80319c",
  ),
  RateLimit: text(
    "Of the limit that is next to be reached: what is left, and seconds until it starts anew",
    '"user";r=299;t=60',
  ),
  "RateLimit-Policy": text("That limit: requests in a window of so many seconds", '"user";q=300;w=60'),
  "Retry-After": text("Seconds after which to come again", "2"),
  "WWW-Authenticate": text("How to authenticate (RFC 6750)", 'Bearer realm="souk"'),
  ETag: text("Entity tag of what is returned, for `If-Match` and `If-None-Match`", '"3"'),
  Location: text("Where it can be read", "/api/v1/orders/01941b2e-5c00-7d3a-9f10-3c5d8a7e6b21"),
  "Idempotent-Replayed": text(
    "`true` where the first answer to this `Idempotency-Key` is given again",
    "true",
  ),
} as const;
const downloadName = text("What a browser saves the file as", 'attachment; filename="products.csv"');
export type ReplyHeader = keyof typeof REPLY;

/** Headers of every reply, and those of this one. */
export function replyHeaders(names: readonly ReplyHeader[], components: Components): JsonSchema {
  const all: ReplyHeader[] = ["X-Request-Id", "RateLimit", "RateLimit-Policy", ...names];
  return Object.fromEntries(all.map((name) => [name, components.headers.add(typeName(name), REPLY[name])]));
}

/** Headers of a success. */
export function successHeaders(route: ApiRoute, components: Components): JsonSchema {
  const { contract, createsAt } = route;
  const hasTag = isRead(route) || (contract.etag && !isVoid(contract));
  return {
    ...replyHeaders(
      [
        ...(hasTag ? (["ETag"] as const) : []),
        ...(createsAt ? (["Location"] as const) : []),
        ...(contract.idempotent ? (["Idempotent-Replayed"] as const) : []),
      ],
      components,
    ),
    ...(contract.pages
      ? { "Content-Disposition": components.headers.add("DownloadName", downloadName) }
      : {}),
    ...ownReplyHeaders(route, components),
  };
}

/** Headers that the action sets, also for a 304. */
export function ownReplyHeaders({ contract }: ApiRoute, components: Components): JsonSchema {
  const own = Object.entries(contract.headers?.reply ?? {}).map(([name, schema]) => [
    name,
    components.headers.add(typeName(name), described(schema, components)),
  ]);
  return Object.fromEntries(own);
}

function described(schema: z.ZodType, components: Components): JsonSchema {
  const { description, ...rest } = components.schemas.of(schema, "input");
  return { description, schema: rest };
}
