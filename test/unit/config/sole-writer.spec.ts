import assert from "node:assert/strict";
import { soleWriter } from "../../../broker/moleculer/node/sole-writer.ts";

describe("the sole writer of a service's documents", () => {
  const none = new Set<string>();

  it("is a node with the embedded store that no other node can join", () => {
    assert.equal(soleWriter({}, none)("cart"), true);
    for (const servers of [
      { MONGO_URL: "mongodb://127.0.0.1" },
      { AMQP_URL: "amqp://127.0.0.1" },
      { TRANSPORTER: "nats://127.0.0.1" },
    ])
      assert.equal(soleWriter(servers, none)("cart"), false, JSON.stringify(servers));
  });

  it("is none where the service's database is elsewhere", () => {
    const own = new Set(["cart"]);
    assert.deepEqual(["cart", "orders"].map(soleWriter({}, own)), [false, true]);
  });
});
