import assert from "node:assert/strict";
import { Errors, ServiceBroker } from "moleculer";
import { z } from "zod";
import { newId } from "../../../broker/contract/ids.ts";
import core from "../../../services/index.ts";
import { defineProvider } from "../../../services/payments/providers/define-provider.ts";
import { startGateway, type TestGateway } from "./support.ts";

describe("the gateway", () => {
  let gateway: TestGateway;
  const product = { id: newId(), slug: "lamp", version: 3, name: "Lamp" };

  before(async () => {
    gateway = await startGateway({
      fakes: {
        "products.get": () => product,
        "products.list": () => ({ items: [product], nextCursor: null }),
      },
    });
  });
  after(() => gateway.stop());

  it("answers a read with JSON, a strong entity tag and a request id", async () => {
    const { status, body, headers } = await gateway.get("/api/v1/products/lamp");
    assert.equal(status, 200);
    assert.deepEqual(body, product);
    assert.match(headers.get("etag") ?? "", /^"3[.][\w-]{22}"$/);
    assert.match(headers.get("x-request-id") ?? "", /^[0-9a-f]{32}$/);
  });

  it("documents the error codes of an extension's payment providers too", async () => {
    const errors = { CARD_STOLEN: { status: 409, title: "The card was reported as stolen." } };
    const cards = defineProvider({
      name: "cards",
      variables: z.object({}),
      secrets: [],
      errors,
      create: () => null,
    });
    const extended = await startGateway({ runtime: { shop: { ...core, providers: [cards] } } });
    try {
      const { text } = await extended.get("/docs/errors");
      assert.match(text, /id="CARD_STOLEN".*409.*The card was reported as stolen/s);
      const { body } = await extended.get("/openapi.json");
      assert.ok(body.components.schemas.ErrorCode.enum.includes("CARD_STOLEN"));
    } finally {
      await extended.stop();
    }
  });

  it("keeps code and status of a failure that only the other node's contracts declare", async () => {
    const namespace = `foreign-${newId()}`;
    const other = new ServiceBroker({ nodeID: newId(), namespace, transporter: "Fake", logger: false });
    other.createService({
      name: "products",
      actions: {
        get() {
          const error = new Errors.MoleculerError("Three are not enough.", 409, "POINTS_TOO_FEW", {
            members: { points: 3 },
          });
          throw Object.assign(error, { name: "SoukError" });
        },
      },
    });
    const joined = await startGateway({ namespace, absent: ["products"] });
    await other.start();
    try {
      await joined.broker.waitForServices("products");
      const { status, body } = await joined.get("/api/v1/products/lamp");
      assert.equal(status, 409);
      const { code, title, detail, points } = body;
      assert.deepEqual(
        { code, title, detail, points },
        { code: "POINTS_TOO_FEW", title: "Conflict", detail: "Three are not enough.", points: 3 },
      );
    } finally {
      await joined.stop();
      await other.stop();
    }
  });
});
