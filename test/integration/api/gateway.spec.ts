import assert from "node:assert/strict";
import { newId } from "../../../broker/contract/ids.ts";
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
    assert.equal(headers.get("etag"), '"3"');
    assert.match(headers.get("x-request-id") ?? "", /^[0-9a-f]{32}$/);
  });
});
