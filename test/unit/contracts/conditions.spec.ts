import assert from "node:assert/strict";
import { z } from "zod";
import { CONDITIONS, conditionsOf, refinementsOf } from "../../../broker/contract/conditions.ts";
import { actorStates } from "../../../scripts/support/contracts/actor-states.ts";
import core from "../../../services/index.ts";
import { schemasWithin } from "../../support/schemas/string-schemas.ts";

const always = () => true;

describe("What a schema checks by code", () => {
  it("is known by its messages", () => {
    const object = z.strictObject({ a: z.string() });
    assert.deepEqual(conditionsOf(object), []);
    assert.deepEqual(conditionsOf(object.refine(always, "fits").refine(always, { error: "is open" })), [
      "fits",
      "is open",
    ]);
    assert.deepEqual(conditionsOf(object.refine(always, { message: "is needed", path: ["a"] }).meta({})), [
      "a: is needed",
    ]);
    assert.deepEqual(conditionsOf(z.string().min(3, "too short").regex(/^a/, "no a")), []);
  });

  it("is known by what its meta names where it has no message of its own", () => {
    const silent = z.string().superRefine(() => undefined);
    assert.deepEqual(conditionsOf(silent), []);
    assert.deepEqual(conditionsOf(silent.meta({ [CONDITIONS]: ["is a word"] })), ["is a word"]);
  });

  it("is known of all contracts and stored states", async () => {
    const roots = [
      ...core.contracts.flatMap(({ actions, messages }) => [
        ...Object.values(actions).flatMap(({ params, returns }) => [params, returns]),
        ...Object.values(messages).map(({ data }) => data),
      ]),
      ...Object.values(await actorStates()),
    ];
    const refined = [...new Set(roots.flatMap((it) => [...schemasWithin(it)]))].filter(
      (it) => refinementsOf(it).length > 0,
    );
    assert.ok(refined.length >= 8, String(refined.length));
    for (const schema of refined)
      assert.ok(conditionsOf(schema).length > 0, `needs a message or ${CONDITIONS}: ${schema.def.type}`);
  });
});
