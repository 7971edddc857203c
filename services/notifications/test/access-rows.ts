/** Who may call which route of the service; run by test/e2e/access-matrix.spec.ts. */
import assert from "node:assert/strict";
import { newId } from "../../../broker/contract/ids.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import {
  ownerAlone,
  paid,
  type Rows,
  signedIn,
  staffOnly,
  type World,
} from "../../../test/e2e/support/access.ts";

const sent = async (world: World) => {
  const { id: orderId } = await paid(world);
  return eventually("a mail of the order is sent", async () => {
    const { items } = await world.admin.http.expect<{ items: { id: string }[] }>(
      200,
      "GET",
      `/notifications?orderId=${orderId}&status=sent`,
    );
    const [first] = items;
    if (!first) throw new Error("there is none yet");
    return { id: first.id, orderId };
  });
};

/** The keys of the example in RFC 8291. */
const subscription = () => ({
  endpoint: `https://push.example/${newId()}`,
  keys: {
    p256dh: "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
    auth: "BTBZMqHH6r4Tts7J_aSIgg",
  },
});

export const rows: Rows = {
  "notifications.list": {
    expect: staffOnly(200),
    ask: async (world) => ({
      path: "/notifications",
      query: {
        orderId: (await sent(world)).orderId,
        status: "sent,failed",
        kind: "order_placed",
        limit: "1",
      },
    }),
    check: (body: { items: unknown[] }) => assert.ok(body.items.length <= 1),
  },
  "notifications.preferences": { expect: signedIn(200), ask: () => ({ path: "/users/me/notifications" }) },
  "notifications.replacePreferences": {
    expect: signedIn(200),
    ask: () => ({ path: "/users/me/notifications", body: { off: ["welcome"] } }),
  },
  "notifications.pushSubscriptions": {
    expect: signedIn(200),
    ask: () => ({ path: "/users/me/push-subscriptions" }),
    check: (body: { items: object[] }) =>
      assert.ok(body.items.every((it) => !("endpoint" in it) && !("keys" in it))),
  },
  "notifications.addPushSubscription": {
    expect: signedIn(201),
    ask: () => ({ path: "/users/me/push-subscriptions", body: { ...subscription(), expirationTime: null } }),
  },
  "notifications.removePushSubscription": {
    expect: ownerAlone(204),
    ask: async ({ owner }) => {
      const path = "/users/me/push-subscriptions";
      const { id } = await owner.http.expect<{ id: string }>(201, "POST", path, { body: subscription() });
      return { path: `${path}/${id}` };
    },
  },
  "notifications.resend": {
    expect: staffOnly(201),
    ask: async (world) => ({
      path: `/notifications/${(await sent(world)).id}/resend`,
      headers: { "idempotency-key": newId() },
    }),
  },
};
