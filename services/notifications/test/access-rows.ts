/** Who may call which route of the service; run by test/e2e/access-matrix.spec.ts. */
import assert from "node:assert/strict";
import { newId } from "../../../broker/contract/ids.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import { paid, type Rows, signedIn, staffOnly, type World } from "../../../test/e2e/support/access.ts";

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
  "notifications.resend": {
    expect: staffOnly(201),
    ask: async (world) => ({
      path: `/notifications/${(await sent(world)).id}/resend`,
      headers: { "idempotency-key": newId() },
    }),
  },
};
