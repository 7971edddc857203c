import assert from "node:assert/strict";
import { ServiceBroker } from "moleculer";
import { z } from "zod";
import { checkRequest, validationFailure } from "../../../broker/contract/check-request.ts";
import { action, actionContract, defineContract } from "../../../broker/contract/contract.ts";
import { ContractValidator } from "../../../broker/moleculer/contract-validator.ts";
import { standIn } from "../../support/stand-in.ts";

defineContract({
  service: "validateprobe",
  actions: {
    echo: action({
      summary: "Gives back what it got",
      params: z.strictObject({
        n: z.coerce.number<string | number>().int(),
        list: z.array(z.strictObject({ a: z.string() })).default([]),
      }),
      returns: z.unknown(),
    }),
    stock: action({
      summary: "Stock",
      params: z.strictObject({}),
      returns: z.strictObject({ sku: z.string(), available: z.int() }),
    }),
  },
  messages: {},
});

describe("the validation of calls", () => {
  const broker = new ServiceBroker({ logger: false, validator: new ContractValidator() });
  broker.createService({
    name: "validateprobe",
    actions: { echo: { params: { $contract: "validateprobe.echo" }, handler: (ctx) => ctx.params } },
  });
  before(() => broker.start());
  after(() => broker.stop());

  it("hands an action what the contract makes of its parameters", async () => {
    assert.deepEqual(await broker.call("validateprobe.echo", { n: "7" }), { n: 7, list: [] });
  });

  it("leaves the caller's object alone", async () => {
    const params = { n: "7" };
    await broker.call("validateprobe.echo", params);
    assert.deepEqual(params, { n: "7" });
  });

  it("leaves out what a newer caller says and is not known here", async () => {
    assert.deepEqual(
      await broker.call("validateprobe.echo", { n: "7", list: [{ a: "x", b: 2 }], extra: true }, {}),
      { n: 7, list: [{ a: "x" }] },
    );
  });

  it("leaves out what a newer node answers more, but not where the gateway hands it on", async () => {
    const { remoteAction } = new ContractValidator().middleware();
    const handler = async () => ({ sku: "A", available: 1, more: 2 });
    const called = remoteAction?.call(broker, handler, { name: "validateprobe.stock" });
    const answerTo = (parent?: string) =>
      called?.call(
        standIn({}),
        standIn({ options: parent ? { parentCtx: { action: { name: parent } } } : {} }),
      );
    assert.deepEqual(await answerTo("validateprobe.echo"), { sku: "A", available: 1 });
    assert.deepEqual(await answerTo(), { sku: "A", available: 1 });
    assert.deepEqual(await answerTo("api.rest"), { sku: "A", available: 1, more: 2 });
  });

  it("names every wrong field of a call by its path", async () => {
    await assert.rejects(broker.call("validateprobe.echo", { n: "x", list: [{ a: 1, b: 2 }] }), (error) => {
      const { data } = error as { data: { errors: { field: string }[] } };
      assert.deepEqual(data.errors.map((it) => it.field).sort(), ["list.0.a", "n"]);
      return true;
    });
  });

  it("names every wrong and every unknown field of a request by its path", () => {
    const contract = actionContract("validateprobe.echo");
    assert.ok(contract);
    assert.throws(
      () => checkRequest(contract, { n: "x", list: [{ a: 1, b: 2, c: 3 }], extra: true }, {}),
      (error: { type: string; code: number; data: { errors: { field: string }[] } }) => {
        assert.deepEqual([error.type, error.code], ["VALIDATION_FAILED", 422]);
        assert.deepEqual(error.data.errors.map((it) => it.field).sort(), [
          "extra",
          "list.0.a",
          "list.0.b",
          "list.0.c",
          "n",
        ]);
        return true;
      },
    );
  });

  it("takes missing parameters for none", async () => {
    await assert.rejects(broker.call("validateprobe.echo"), { type: "VALIDATION_FAILED" });
  });

  it("names at most 20 fields", () => {
    const parsed = z
      .strictObject({})
      .safeParse(Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`k${i}`, 1])));
    assert.ok(parsed.error);
    assert.equal((validationFailure(parsed.error).data as { errors: unknown[] }).errors.length, 20);
  });

  it("refuses a service whose action has no contract when it starts", () => {
    assert.throws(
      () =>
        broker.createService({
          name: "stray",
          actions: { echo: { params: { $contract: "stray.echo" }, handler: () => null } },
        }),
      /no contract for the action stray\.echo/,
    );
  });
});
