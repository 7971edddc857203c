/** Who may call which route of the service; run by test/e2e/access-matrix.spec.ts. */
import { type Rows, staffOnly, type World } from "../../../test/e2e/support/access.ts";

const settings = { url: "https://example.com/souk", types: ["stock.depleted"] };

const anEndpoint = async ({ admin }: World): Promise<string> => {
  const { id } = await admin.http.expect<{ id: string }>(201, "POST", "/webhook-endpoints", {
    body: settings,
  });
  return id;
};
const aDelivery = async (world: World): Promise<string> => {
  const path = `/webhook-endpoints/${await anEndpoint(world)}/test`;
  return (await world.admin.http.expect<{ id: string }>(202, "POST", path)).id;
};
const range = { from: "2026-11-27T00:00:00Z", to: "2026-11-27T00:00:01Z" };

export const rows: Rows = {
  "webhooks.list": {
    expect: staffOnly(200),
    ask: async (world) => {
      await anEndpoint(world);
      return { path: "/webhook-endpoints", query: { limit: "1" } };
    },
  },
  "webhooks.create": {
    expect: staffOnly(201),
    ask: () => ({ path: "/webhook-endpoints", body: { ...settings, description: "Warehouse" } }),
  },
  "webhooks.get": {
    expect: staffOnly(200),
    ask: async (world) => ({ path: `/webhook-endpoints/${await anEndpoint(world)}` }),
  },
  "webhooks.update": {
    expect: staffOnly(200),
    ask: async (world) => ({
      path: `/webhook-endpoints/${await anEndpoint(world)}`,
      body: { ...settings, description: null, enabled: false },
    }),
  },
  "webhooks.remove": {
    expect: staffOnly(204),
    ask: async (world) => ({ path: `/webhook-endpoints/${await anEndpoint(world)}` }),
  },
  "webhooks.rotateSecret": {
    expect: staffOnly(201),
    ask: async (world) => ({ path: `/webhook-endpoints/${await anEndpoint(world)}/secret-rotations` }),
  },
  "webhooks.test": {
    expect: staffOnly(202),
    ask: async (world) => ({ path: `/webhook-endpoints/${await anEndpoint(world)}/test` }),
  },
  "webhooks.deliveries": {
    expect: staffOnly(200),
    ask: async (world) => ({
      path: `/webhook-endpoints/${await anEndpoint(world)}/deliveries`,
      query: { status: "waiting,failed", limit: "1" },
    }),
  },
  "webhooks.delivery": {
    expect: staffOnly(200),
    ask: async (world) => ({ path: `/webhook-deliveries/${await aDelivery(world)}` }),
  },
  "webhooks.resend": {
    expect: staffOnly(202),
    ask: async (world) => ({ path: `/webhook-deliveries/${await aDelivery(world)}/resend` }),
  },
  "webhooks.resendRange": {
    expect: staffOnly(202),
    ask: async (world) => ({
      path: `/webhook-endpoints/${await anEndpoint(world)}/resends`,
      body: { ...range, types: ["stock.*"] },
    }),
  },
  "webhooks.resendStatus": {
    expect: staffOnly(200),
    ask: async (world) => {
      const path = `/webhook-endpoints/${await anEndpoint(world)}/resends`;
      const { id } = await world.admin.http.expect<{ id: string }>(202, "POST", path, { body: range });
      return { path: `${path}/${id}` };
    },
  },
  "webhooks.events": {
    expect: staffOnly(200),
    ask: () => ({ path: "/events", query: { types: "order.*" } }),
  },
};
