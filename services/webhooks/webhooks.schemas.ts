/** What staff see of webhooks. */
import { z } from "zod";
import { id, line, time } from "../../broker/contract/schemas.ts";

export const endpointStatus = z
  .enum(["enabled", "disabled", "deleted"])
  .meta({ id: "WebhookEndpointStatus", description: "Whether an endpoint gets events" });
export const disabledReason = z.enum(["staff", "failing", "gone"]).meta({
  id: "WebhookDisabledReason",
  description: "By staff, after failing long, or its server answered 410",
});
export const deliveryStatus = z
  .enum(["waiting", "delivered", "failed"])
  .meta({ id: "WebhookDeliveryStatus", description: "`failed` when it was given up" });

export const endpointUrl = line(2_000).meta({
  format: "uri",
  description: "Where events are posted: public, and https in production",
  examples: ["https://example.com/souk"],
});
export const eventPattern = z
  .string()
  .max(200)
  .regex(/^(?:\*|[a-z0-9_]+(?:\.[a-z0-9_]+)*(?:\.\*)?)$/, "must be a type like order.paid, or order.*, or *")
  .meta({ description: "An event's type, the beginning of types, or `*`", examples: ["order.*"] });
export const eventFilter = z
  .string()
  .max(1_000)
  .regex(/^[a-z0-9_.*,]+$/, "must be types like order.paid or order.*, separated by commas")
  .meta({ description: "Only these types of events", examples: ["order.*,stock.low"] });
export const eventPatterns = z
  .array(eventPattern)
  .min(1)
  .max(100)
  .meta({ description: "The events that it gets", examples: [["order.*", "stock.low"]] });
export const description = line(200).meta({ description: "What it is for", examples: ["Warehouse"] });

const endpointExample = {
  id: "01941b2e-5c04-7b11-9e30-5f0d2a7c9b44",
  url: "https://example.com/souk",
  description: "Warehouse",
  types: ["order.*"],
  status: "enabled",
  disabledReason: null,
  failingSince: null,
  createdAt: "2026-11-27T09:30:00.000Z",
} as const;

export const endpointView = z
  .strictObject({
    id,
    url: endpointUrl,
    description: z.string().nullable(),
    types: z.array(eventPattern),
    status: endpointStatus,
    disabledReason: disabledReason.nullable(),
    failingSince: time.nullable().meta({ description: "Since when nothing was delivered, where it fails" }),
    createdAt: time,
  })
  .meta({
    id: "WebhookEndpoint",
    description: "A server that gets the shop's events",
    examples: [endpointExample],
  });

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=";
export const endpointSecret = z
  .string()
  .regex(/^whsec_[A-Za-z0-9+/]{43}=$/)
  .meta({ description: "The key of its signatures, shown this once", examples: [SECRET] });
export const endpointWithSecret = endpointView.extend({ secret: endpointSecret }).meta({
  id: "WebhookEndpointWithSecret",
  description: "An endpoint with its new secret",
  examples: [{ ...endpointExample, secret: SECRET }],
});

export const deliveryAttempt = z
  .strictObject({
    at: time,
    durationMs: z
      .int()
      .min(0)
      .meta({ examples: [120] }),
    status: z
      .int()
      .nullable()
      .meta({ description: "HTTP status of the answer, where there was one", examples: [200] }),
    error: z
      .string()
      .nullable()
      .meta({ description: "Why there was none", examples: [null] }),
    answer: z.string().meta({ description: "The first KB of the answer", examples: ["ok"] }),
    headers: z.record(z.string(), z.string()).meta({
      description: "Headers of the request, but its signature",
      examples: [{ "webhook-timestamp": "1764235800" }],
    }),
  })
  .meta({ id: "WebhookAttempt", description: "One request to an endpoint" });

const deliveryShape = {
  id: id.meta({ description: "The `webhook-id`, the same for all attempts" }),
  endpointId: id,
  eventId: z.uuid().meta({ examples: ["01941b2e-6a10-7c3f-8e52-1d9a4b7c6f03"] }),
  type: z.string().meta({ examples: ["order.paid"] }),
  subject: z.string().meta({ examples: ["01941b2e-5c00-7d3a-9f10-3c5d8a7e6b21"] }),
  status: deliveryStatus,
  attempts: z
    .int()
    .min(0)
    .meta({ description: "How many there were", examples: [1] }),
  nextAttemptAt: time.nullable(),
  lastAttempts: z.array(deliveryAttempt).meta({ description: "The last ten, oldest first" }),
  createdAt: time,
};
const deliveryExample = {
  id: "01941b2e-5c04-7f42-8d17-20b9c4d6a853",
  endpointId: endpointExample.id,
  eventId: "01941b2e-6a10-7c3f-8e52-1d9a4b7c6f03",
  type: "order.paid",
  subject: "01941b2e-5c00-7d3a-9f10-3c5d8a7e6b21",
  status: "delivered",
  attempts: 1,
  nextAttemptAt: null,
  lastAttempts: [
    {
      at: "2026-11-27T09:30:00.100Z",
      durationMs: 120,
      status: 200,
      error: null,
      answer: "ok",
      headers: {
        "content-type": "application/cloudevents+json",
        "webhook-id": "01941b2e-5c04-7f42-8d17-20b9c4d6a853",
        "webhook-timestamp": "1795771800",
      },
    },
  ],
  createdAt: "2026-11-27T09:30:00.000Z",
};
export const deliveryView = z.strictObject(deliveryShape).meta({
  id: "WebhookDelivery",
  description: "One event on its way to one endpoint",
  examples: [deliveryExample],
});
export const deliveryWithBody = z
  .strictObject({
    ...deliveryShape,
    body: z.string().meta({ description: "What is posted, as it is signed" }),
  })
  .meta({
    id: "WebhookDeliveryWithBody",
    description: "A delivery with what is posted",
    examples: [{ ...deliveryExample, body: '{"specversion":"1.0","type":"order.paid"}' }],
  });

export const resendView = z
  .strictObject({
    id,
    endpointId: id,
    from: time,
    to: time,
    status: z
      .enum(["running", "done"])
      .meta({ id: "WebhookResendStatus", description: "`done` when all are on their way" }),
    deliveries: z
      .int()
      .min(0)
      .meta({ description: "How many are on their way again", examples: [17] }),
    createdAt: time,
  })
  .meta({ id: "WebhookResend", description: "A range of deliveries that is sent again" });

export type EndpointView = z.output<typeof endpointView>;
export type DeliveryStatus = z.output<typeof deliveryStatus>;
export type DisabledReason = z.output<typeof disabledReason>;
export type ResendView = z.output<typeof resendView>;
