import assert from "node:assert/strict";
import type { Context, Service, ServiceSchema } from "moleculer";
import type { CallMeta } from "../../../broker/contract/call-meta.ts";
import { SoukError } from "../../../broker/contract/errors.ts";
import { type IdempotentAction, idempotency } from "../../../mixins/idempotency.ts";
import { type ServicesNode, startServices } from "../../support/shop/services-node.ts";

type Ctx = Context<{ n: number }, CallMeta>;

describe("the idempotency mixin", () => {
  let node: ServicesNode;
  let runs: string[] = [];
  const counted = (name: string, more: Partial<IdempotentAction> = {}): IdempotentAction => ({
    ...more,
    handler(this: Service, { params, meta }: Ctx) {
      runs.push(`${this.name}.${name}`);
      if (params.n < 0) throw new SoukError("CONFLICT", "There is nothing below zero.");
      return { n: params.n, resourceId: meta.resourceId ?? null };
    },
  });
  const service: ServiceSchema = {
    name: "counter",
    mixins: [idempotency()],
    actions: {
      required: counted("required", { idempotent: "required", status: 201 }),
      optional: counted("optional", { idempotent: "optional" }),
      plain: counted("plain"),
    },
  };
  before(async () => {
    node = await startServices([service], { contracts: [] });
  });
  beforeEach(() => {
    runs = [];
  });
  after(() => node.close());
  const call = async (action: string, n: number, meta: CallMeta = {}) => ({
    answer: (await node.broker.call(`counter.${action}`, { n }, { meta })) as {
      n: number;
      resourceId?: string;
    },
    meta,
  });

  it("runs a plain Moleculer action once for one key, and answers twice", async () => {
    const first = await call("required", 1, { idempotencyKey: "a" });
    const again = await call("required", 1, { idempotencyKey: "a" });
    assert.deepEqual(runs, ["counter.required"]);
    assert.deepEqual(again.answer, first.answer);
    assert.ok(first.answer.resourceId);
    assert.equal(again.meta.$statusCode, 201);
    assert.deepEqual(again.meta.$responseHeaders, { "Idempotent-Replayed": "true" });
  });

  it("repeats a refusal, too", async () => {
    for (const _ of [1, 2])
      await assert.rejects(call("required", -1, { idempotencyKey: "b" }), { type: "CONFLICT" });
    assert.deepEqual(runs, ["counter.required"]);
  });

  it("refuses another request under the same key, and one without a key where it is required", async () => {
    await call("required", 2, { idempotencyKey: "c" });
    await assert.rejects(call("required", 3, { idempotencyKey: "c" }), { type: "IDEMPOTENCY_KEY_REUSED" });
    await assert.rejects(call("required", 3), { type: "IDEMPOTENCY_KEY_MISSING" });
  });

  it("lets requests without a key run as often as they come where it is optional", async () => {
    for (const _ of [1, 2]) await call("optional", 1);
    for (const _ of [1, 2]) await call("optional", 1, { idempotencyKey: "d" });
    assert.equal(runs.length, 3);
  });

  it("leaves all other actions alone", async () => {
    for (const _ of [1, 2])
      assert.deepEqual((await call("plain", 1, { idempotencyKey: "e" })).answer, { n: 1, resourceId: null });
    assert.equal(runs.length, 2);
  });
});
