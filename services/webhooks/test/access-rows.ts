/** Who may call which route of the service; run by test/e2e/access-matrix.spec.ts. */
import { type Rows, staffOnly, type World } from "../../../test/e2e/support/access.ts";

/** Nobody is there, and the event is rare. */
const settings = { url: "https://souk.invalid/hook", types: ["delivery.cancelled"] };

const anEndpoint = async ({ admin }: World): Promise<string> => {
  const { id } = await admin.http.expect<{ id: string }>(201, "POST", "/webhook-endpoints", {
    body: settings,
  });
  return id;
};
/** Disabled, so that nothing is sent to it, with a delivery that waits. There may not be one for each row and caller. */
const shared = new WeakMap<World, Promise<{ endpoint: string; delivery: string }>>();
const idle = (world: World) => {
  const known = shared.get(world) ?? anIdleOne(world);
  shared.set(world, known);
  return known;
};
async function anIdleOne(world: World) {
  const endpoint = await anEndpoint(world);
  const path = `/webhook-endpoints/${endpoint}`;
  const { id: delivery } = await world.admin.http.expect<{ id: string }>(202, "POST", `${path}/test`);
  await world.admin.http.expect(200, "PATCH", path, { body: { enabled: false } });
  return { endpoint, delivery };
}
const theEndpoint = async (world: World) => (await idle(world)).endpoint;
const theDelivery = async (world: World) => (await idle(world)).delivery;
const range = { from: "2026-11-27T00:00:00Z", to: "2026-11-27T00:00:01Z" };

export const rows: Rows = {
  "webhooks.list": {
    expect: staffOnly(200),
    ask: async (world) => {
      await theEndpoint(world);
      return { path: "/webhook-endpoints", query: { limit: "1" } };
    },
  },
  "webhooks.create": {
    expect: staffOnly(201),
    ask: () => ({ path: "/webhook-endpoints", body: { ...settings, description: "Warehouse" } }),
  },
  "webhooks.get": {
    expect: staffOnly(200),
    ask: async (world) => ({ path: `/webhook-endpoints/${await theEndpoint(world)}` }),
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
    ask: async (world) => ({ path: `/webhook-endpoints/${await theEndpoint(world)}/secret-rotations` }),
  },
  "webhooks.test": {
    expect: staffOnly(202),
    ask: async (world) => ({ path: `/webhook-endpoints/${await anEndpoint(world)}/test` }),
  },
  "webhooks.deliveries": {
    expect: staffOnly(200),
    ask: async (world) => ({
      path: `/webhook-endpoints/${await theEndpoint(world)}/deliveries`,
      query: { status: "waiting,failed", limit: "1" },
    }),
  },
  "webhooks.delivery": {
    expect: staffOnly(200),
    ask: async (world) => ({ path: `/webhook-deliveries/${await theDelivery(world)}` }),
  },
  "webhooks.resend": {
    expect: staffOnly(202),
    ask: async (world) => ({ path: `/webhook-deliveries/${await theDelivery(world)}/resend` }),
  },
  "webhooks.resendRange": {
    expect: staffOnly(202),
    ask: async (world) => ({
      path: `/webhook-endpoints/${await theEndpoint(world)}/resends`,
      body: range,
    }),
  },
  "webhooks.resendStatus": {
    expect: staffOnly(200),
    ask: async (world) => {
      const path = `/webhook-endpoints/${await theEndpoint(world)}/resends`;
      const { id } = await world.admin.http.expect<{ id: string }>(202, "POST", path, { body: range });
      return { path: `${path}/${id}` };
    },
  },
  "webhooks.events": {
    expect: staffOnly(200),
    ask: () => ({ path: "/events", query: { types: "order.*" } }),
  },
};
