import assert from "node:assert/strict";
import core from "../../../services/index.ts";

describe("POST routes", () => {
  const posts = core.contracts.flatMap(({ service, actions }) =>
    Object.entries(actions)
      .filter(([, { rest }]) => rest?.startsWith("POST "))
      .map(([name, action]) => ({
        name: `${service}.${name}`,
        idempotent: action.idempotent,
        repeatable: action.repeatable,
      })),
  );

  it("take an Idempotency-Key, or are known to do no harm when they are repeated", () => {
    const wrong = posts.filter((it) => (it.idempotent === undefined) === (it.repeatable === undefined));
    assert.deepEqual(
      wrong.map((it) => it.name),
      [],
      "declare it idempotent, or say in its contract why it is repeatable",
    );
  });

  it("require one where they make orders or move money", () => {
    const required = posts.filter((it) => it.idempotent === "required").map((it) => it.name);
    for (const name of ["orders.place", "orders.pay", "payments.refund"])
      assert.ok(required.includes(name), name);
  });
});
