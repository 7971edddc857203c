/** Subscriptions of browsers: as a browser gives them, and as shown. */
import { z } from "zod";
import { id, time } from "../../../broker/contract/schemas.ts";

/** `JSON.stringify` of a browser's `PushSubscription` has this form. */
export const newSubscription = z.strictObject({
  endpoint: z
    .string()
    .max(2_000)
    .regex(/^https:\/\/[!-~]+$/, "must begin with https://, and have no blanks")
    .meta({
      format: "uri",
      description: "Where the browser's push service takes messages: public, and https",
      examples: ["https://fcm.googleapis.com/fcm/send/c8Wz"],
    }),
  keys: z
    .strictObject({
      p256dh: z
        .string()
        .regex(/^[A-Za-z0-9_-]{87}=?$/, "must be 65 bytes as base64url")
        .meta({
          description: "The browser's public key",
          examples: [
            "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
          ],
        }),
      auth: z
        .string()
        .regex(/^[A-Za-z0-9_-]{22}(?:==)?$/, "must be 16 bytes as base64url")
        .meta({ description: "A secret of the browser and the shop", examples: ["BTBZMqHH6r4Tts7J_aSIgg"] }),
    })
    .meta({ id: "PushKeys", description: "Keys with which messages to a browser are encrypted" }),
  expirationTime: z
    .number()
    .nullable()
    .optional()
    .meta({ description: "As browsers give it; not used", examples: [null] }),
});
export type NewSubscription = Pick<z.output<typeof newSubscription>, "endpoint" | "keys">;

export const subscriptionView = z
  .strictObject({
    id,
    host: z
      .string()
      .max(300)
      .meta({ description: "The host of its push service", examples: ["fcm.googleapis.com"] }),
    createdAt: time,
  })
  .meta({
    id: "PushSubscription",
    description: "A browser that gets push messages",
    examples: [
      {
        id: "01941b2e-5d00-7a11-8c42-5f2e9b7c4a10",
        host: "fcm.googleapis.com",
        createdAt: "2026-11-27T09:31:10.000Z",
      },
    ],
  });
export type SubscriptionView = z.output<typeof subscriptionView>;

export const subscriptionList = z
  .strictObject({
    items: z.array(subscriptionView),
    nextCursor: z.null().meta({ description: "Always null: there are no further pages" }),
    publicKey: z
      .string()
      .max(100)
      .meta({
        description: "The shop's key; a browser's `pushManager.subscribe` wants it as `applicationServerKey`",
        examples: ["BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8"],
      }),
  })
  .meta({
    id: "PushSubscriptionList",
    description: "The browsers of a user, and the key with which another one subscribes",
    examples: [
      {
        items: [],
        nextCursor: null,
        publicKey: "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8",
      },
    ],
  });
