import { z } from "zod";
import {
  type ActionsOf,
  action,
  command,
  defineContract,
  event,
  type MessagesOf,
} from "../../broker/contract/contract.ts";
import { cursor, id, limit, page, time } from "../../broker/contract/schemas.ts";
import { severalOf } from "../../broker/contract/values/several.ts";
import { webhooksConfig } from "./webhooks.config.ts";
import { webhooksErrors } from "./webhooks.errors.ts";
import {
  deliveryStatus,
  deliveryView,
  deliveryWithBody,
  description,
  disabledReason,
  endpointUrl,
  endpointView,
  endpointWithSecret,
  eventFilter,
  eventPatterns,
  resendView,
} from "./webhooks.schemas.ts";

const endpointId = id.meta({ description: "Id of the endpoint" });
const host = z
  .string()
  .max(300)
  .meta({ description: "The endpoint's host", examples: ["example.com"] });
const settings = { url: endpointUrl, description: description.nullable(), types: eventPatterns };

const messages = {
  "webhook_endpoint.create": command("endpoint", "Begin to send events there", z.strictObject(settings)),
  "webhook_endpoint.update": command(
    "endpoint",
    "Change its settings",
    z.strictObject(settings).partial().extend({ enabled: z.boolean().optional() }),
  ),
  "webhook_endpoint.delete": command("endpoint", "Forget it", z.strictObject({})),
  "webhook_endpoint.report": command(
    "endpoint",
    "Note how it answers",
    z.strictObject({ outcome: z.enum(["working", "failing", "gone"]), disableAfterMs: z.int().min(0) }),
  ),
  "webhook_endpoint.disabled": event(
    "endpoint",
    "It gets no more events, until staff enable it",
    z.strictObject({
      host,
      description: z.string().nullable(),
      reason: disabledReason,
      failingSince: time.nullable(),
    }),
  ),
  "webhook_endpoint.tested": event(
    "endpoint",
    "Staff try an endpoint; only that one gets it",
    z.strictObject({ host }),
  ),
};

export const webhooks = defineContract({
  service: "webhooks",
  errors: webhooksErrors,
  config: webhooksConfig,
  description: "Outgoing webhooks: the shop's events, signed, to servers of others.",
  actions: {
    list: action({
      summary: "The endpoints, newest first",
      operationId: "listWebhookEndpoints",
      rest: "GET /webhook-endpoints",
      auth: "staff",
      scope: "webhooks:read",
      params: z.strictObject({ limit, cursor }),
      returns: page(endpointView),
    }),
    create: action({
      summary: "Send events to a server",
      description:
        "The answer has the secret of the signatures, which is never shown again. " +
        "Requests have the headers of Standard Webhooks: `webhook-id`, `webhook-timestamp` and `webhook-signature`.",
      operationId: "createWebhookEndpoint",
      rest: "POST /webhook-endpoints",
      auth: "staff",
      scope: "webhooks:write",
      status: 201,
      repeatable: "one more endpoint with a secret of its own, which can be deleted",
      params: z.strictObject({
        url: endpointUrl,
        description: description.optional(),
        types: eventPatterns,
      }),
      returns: endpointWithSecret,
      errors: ["WEBHOOK_ENDPOINT_LIMIT"],
    }),
    get: action({
      summary: "An endpoint",
      operationId: "getWebhookEndpoint",
      rest: "GET /webhook-endpoints/:id",
      auth: "staff",
      scope: "webhooks:read",
      params: z.strictObject({ id: endpointId }),
      returns: endpointView,
      errors: ["NOT_FOUND"],
    }),
    update: action({
      summary: "Change an endpoint",
      description:
        "An endpoint that is enabled again gets what still waits for it, and what happens from then on.",
      operationId: "updateWebhookEndpoint",
      rest: "PATCH /webhook-endpoints/:id",
      auth: "staff",
      scope: "webhooks:write",
      params: z.strictObject({
        id: endpointId,
        url: endpointUrl.optional(),
        description: description.nullable().optional(),
        types: eventPatterns.optional(),
        enabled: z.boolean().optional().meta({ description: "Whether it gets events" }),
      }),
      returns: endpointView,
      errors: ["NOT_FOUND"],
    }),
    remove: action({
      summary: "Delete an endpoint, with its deliveries",
      operationId: "deleteWebhookEndpoint",
      rest: "DELETE /webhook-endpoints/:id",
      auth: "staff",
      scope: "webhooks:write",
      params: z.strictObject({ id: endpointId }),
      returns: z.void(),
      errors: ["NOT_FOUND"],
    }),
    rotateSecret: action({
      summary: "Give an endpoint a new secret",
      description:
        "The answer has it. For 24 hours, requests are signed with the secrets of before as well: two signatures.",
      operationId: "rotateWebhookSecret",
      rest: "POST /webhook-endpoints/:id/secret-rotations",
      auth: "staff",
      scope: "webhooks:write",
      status: 201,
      repeatable: "one more secret; those of before stay good for 24 hours",
      params: z.strictObject({ id: endpointId }),
      returns: endpointWithSecret,
      errors: ["NOT_FOUND"],
    }),
    test: action({
      summary: "Send an endpoint a test",
      description:
        "An event `webhook_endpoint.tested`, whatever types it gets. The delivery shows the answer.",
      operationId: "testWebhookEndpoint",
      rest: "POST /webhook-endpoints/:id/test",
      auth: "staff",
      scope: "webhooks:write",
      status: 202,
      repeatable: "one more test",
      params: z.strictObject({ id: endpointId }),
      returns: deliveryView,
      errors: ["NOT_FOUND", "WEBHOOK_ENDPOINT_DISABLED"],
    }),
    deliveries: action({
      summary: "Deliveries to an endpoint, newest first",
      operationId: "listWebhookDeliveries",
      rest: "GET /webhook-endpoints/:id/deliveries",
      auth: "staff",
      scope: "webhooks:read",
      params: z.strictObject({
        id: endpointId,
        status: severalOf(deliveryStatus)
          .optional()
          .meta({ description: "Only those that are in one of them" }),
        limit,
        cursor,
      }),
      returns: page(deliveryView),
      errors: ["NOT_FOUND"],
    }),
    delivery: action({
      summary: "A delivery, with what is posted",
      operationId: "getWebhookDelivery",
      rest: "GET /webhook-deliveries/:id",
      auth: "staff",
      scope: "webhooks:read",
      params: z.strictObject({ id: id.meta({ description: "Id of the delivery" }) }),
      returns: deliveryWithBody,
      errors: ["NOT_FOUND"],
    }),
    resend: action({
      summary: "Send a delivery again",
      description: "Under the same `webhook-id`, as soon as nothing older of the same subject waits.",
      operationId: "resendWebhookDelivery",
      rest: "POST /webhook-deliveries/:id/resend",
      auth: "staff",
      scope: "webhooks:write",
      status: 202,
      repeatable: "it waits to be sent already",
      params: z.strictObject({ id: id.meta({ description: "Id of the delivery" }) }),
      returns: deliveryView,
      errors: ["NOT_FOUND"],
    }),
    resendRange: action({
      summary: "Send an endpoint's deliveries of a time again",
      description:
        "In the background; a crash interrupts it, and it goes on. Each keeps its `webhook-id`, by which a receiver " +
        "leaves out those that it has. What happened while the endpoint was disabled was never kept for it.",
      operationId: "resendWebhookDeliveries",
      rest: "POST /webhook-endpoints/:id/resends",
      auth: "staff",
      scope: "webhooks:write",
      status: 202,
      repeatable: "the same deliveries wait to be sent already",
      params: z.strictObject({
        id: endpointId,
        from: time.meta({ description: "Deliveries that were made from then on" }),
        to: time.meta({ description: "And before then" }),
        types: eventPatterns.optional(),
      }),
      returns: resendView,
      errors: ["NOT_FOUND"],
    }),
    resendStatus: action({
      summary: "How far a resending is",
      operationId: "getWebhookResend",
      rest: "GET /webhook-endpoints/:id/resends/:resendId",
      auth: "staff",
      scope: "webhooks:read",
      params: z.strictObject({ id: endpointId, resendId: id.meta({ description: "Id of the resending" }) }),
      returns: resendView,
      errors: ["NOT_FOUND"],
    }),
    events: action({
      summary: "Follow the shop's events",
      description:
        "Server-sent events: `event`, with the event in the form of webhooks as `data.event`. " +
        "`Last-Event-ID` goes on where a connection was lost, within an hour. It is for people and tools: " +
        "a server takes webhooks, which lose nothing.",
      operationId: "followEvents",
      rest: "GET /events",
      auth: "staff",
      scope: "webhooks:read",
      produces: "text/event-stream",
      stream: { next: "nextEvent", event: "event", fromNow: true },
      params: z.strictObject({
        types: eventFilter.optional(),
      }),
      returns: z.unknown().meta({
        examples: [
          'event: event\nid: 179577180000000\ndata: {"version":179577180000000,"event":{"type":"order.paid"}}\n\n',
        ],
      }),
    }),
    nextEvent: action({
      summary: "The first event after `after`, or null after `waitMs`: internal",
      params: z.strictObject({
        types: eventFilter.optional(),
        after: z.int().min(0),
        waitMs: z.int().min(0).max(30_000),
      }),
      returns: z.strictObject({ version: z.int(), event: z.unknown() }).nullable(),
    }),
  },
  messages,
  actors: {
    endpoint: {
      receives: [],
      inline: [
        "webhook_endpoint.create",
        "webhook_endpoint.update",
        "webhook_endpoint.delete",
        "webhook_endpoint.report",
      ],
    },
  },
  taps: { fanOut: { receives: () => "events" } },
});

declare module "../../broker/contract/contract.ts" {
  interface Actions extends ActionsOf<typeof webhooks> {}
  interface Messages extends MessagesOf<typeof messages> {}
}
