import assert from "node:assert/strict";
import { type GatewaySetup, startGateway, type TestGateway } from "./support.ts";

describe("settings of the gateway", () => {
  let gateway: TestGateway | undefined;
  const start = async (env: NonNullable<GatewaySetup["env"]>): Promise<TestGateway> => {
    gateway = await startGateway({ env });
    return gateway;
  };
  afterEach(() => gateway?.stop());

  const statusesFrom = async ({ get }: TestGateway, forwarded: readonly string[]) => {
    const statuses: number[] = [];
    for (const header of forwarded)
      statuses.push((await get("/api/v1/products", { "x-forwarded-for": header })).status);
    return statuses;
  };

  it("TRUST_PROXY=1 limits each client that the proxy names, whatever the client writes in front", async () => {
    const shop = await start({ RATE_LIMIT: "1", TRUST_PROXY: "1" });
    assert.deepEqual(
      await statusesFrom(shop, [
        "203.0.113.1",
        "203.0.113.2",
        "9.9.9.9, 203.0.113.1",
        "8.8.8.8, 203.0.113.2",
      ]),
      [200, 200, 429, 429],
    );
    await shop.get("/api/v1/cart", { "x-forwarded-for": "203.0.113.3" });
    assert.equal(shop.calls.at(-1)?.meta.clientIp, "203.0.113.3");
  });

  it("without TRUST_PROXY nobody gets around a limit by X-Forwarded-For", async () => {
    const shop = await start({ RATE_LIMIT: "1" });
    assert.deepEqual(await statusesFrom(shop, ["203.0.113.1", "203.0.113.2"]), [200, 429]);
  });

  it("neither METRICS=on nor off gives the public /metrics", async () => {
    for (const METRICS of ["on", "off"]) {
      const shop = await start({ METRICS });
      const { status, body } = await shop.get("/metrics");
      assert.deepEqual([status, body.code], [404, "ROUTE_NOT_FOUND"]);
      assert.equal((await shop.get("/health/live")).status, 200);
    }
  });
});
