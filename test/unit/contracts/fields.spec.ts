/** Fields of extensions: what clients send is checked by their schemas, what others have stored is left alone. */
import assert from "node:assert/strict";
import { z } from "zod";
import { given } from "../../../broker/actor/testing/given.ts";
import { checkRequest } from "../../../broker/contract/check-request.ts";
import { action, type DataIn } from "../../../broker/contract/contract.ts";
import {
  checkThings,
  ext,
  extOf,
  printedAs,
  printedFields,
  withFields,
} from "../../../broker/contract/fields.ts";
import { line } from "../../../broker/contract/schemas.ts";
import { jsonSchema } from "../../../broker/http/docs/json-schema.ts";
import { combine, extend } from "../../../broker/moleculer/extension.ts";
import { orderActor } from "../../../services/orders/order/order.actor.ts";
import { orderView } from "../../../services/orders/order/view.ts";
import { orders } from "../../../services/orders/orders.contract.ts";
import { anAddress } from "../../../souk/testing/address.ts";

const CUSTOMER = "019b76da-a800-7000-8000-000000000002";
const usd = (amount: number) => ({ amount, currency: "USD" });

describe("Fields of extensions", () => {
  const contract = action({
    summary: "Place",
    params: z.strictObject({ n: z.int(), ext: extOf("parcel").optional() }),
    returns: z.void(),
  });
  const loyalty = extend({
    name: "loyalty",
    fields: {
      parcel: z.object({ giftNote: printedAs("Gift note", line(20)).optional(), points: z.int().optional() }),
    },
  });
  const { fields } = combine(extend({ name: "shop" }), loyalty);
  const wrong = (given: object): string[] => {
    try {
      checkRequest(contract, { n: 1, ...given }, fields);
      return [];
    } catch (error) {
      return (error as { data: { errors: { field: string }[] } }).data.errors.map((it) => it.field);
    }
  };

  it("are taken from clients as their extension declares them, and in no other way", () => {
    assert.deepEqual(wrong({}), []);
    assert.deepEqual(wrong({ ext: {} }), []);
    assert.deepEqual(wrong({ ext: { loyalty: { giftNote: "Hello" } } }), []);
    assert.deepEqual(wrong({ ext: { loyalty: { giftNote: "x".repeat(21) } } }), ["ext.loyalty.giftNote"]);
    assert.deepEqual(wrong({ ext: { loyalty: { points: "1" } } }), ["ext.loyalty.points"]);
    assert.deepEqual(wrong({ ext: { loyalty: { more: 1 } } }), ["ext.loyalty.more"]);
    assert.deepEqual(wrong({ ext: { other: { giftNote: "Hello" } } }), ["ext.other"]);
    assert.deepEqual(wrong({ ext: { loyalty: "Hello" } }), ["ext.loyalty"]);
  });

  it("become what their schemas make of them where they are known, and stay as they are elsewhere", () => {
    const given = { n: 1, ext: { loyalty: { giftNote: " Hello " }, other: { a: " b " } } };
    assert.deepEqual(
      withFields(contract.params, given, () => fields),
      {
        n: 1,
        ext: { loyalty: { giftNote: "Hello" }, other: { a: " b " } },
      },
    );
    assert.equal(withFields(contract.params, { n: 1 }, () => fields).n, 1);
    assert.deepEqual(
      withFields(contract.params, given, () => ({})),
      given,
    );
  });

  it("are plain data of bounded size, whoever sends them", () => {
    const deep = (levels: number): object => (levels === 0 ? {} : { a: deep(levels - 1) });
    const fine = [
      {},
      { loyalty: {} },
      { a: { b: [1, "x", null, true, { c: 1 }] } },
      { a: { b: "x".repeat(4_000) } },
    ];
    for (const it of fine) assert.ok(ext.safeParse(it).success, JSON.stringify(it));
    const refused = [
      { a: { b: "x".repeat(4_096) } },
      { a: { b: "é".repeat(2_048) } },
      { A: {} },
      { "a.b": {} },
      { a: { $where: 1 } },
      { a: { b: { $gt: 1 } } },
      { a: { b: { "c.d": 1 } } },
      { a: { b: Number.NaN } },
      { a: { b: () => 1 } },
      { a: deep(10) },
      Object.fromEntries(Array.from({ length: 21 }, (_, n) => [`a${n}`, {}])),
    ];
    for (const it of refused) assert.ok(!ext.safeParse(it).success, JSON.stringify(it));
  });

  it("stand in the description of the API: clients may send those, and may be shown others", () => {
    const { properties } = jsonSchema(contract.params, "input", fields) as {
      properties: { ext: { properties: { loyalty: { properties: object } }; additionalProperties: unknown } };
    };
    assert.equal(properties.ext.additionalProperties, false);
    assert.deepEqual(Object.keys(properties.ext.properties.loyalty.properties), ["giftNote", "points"]);
    const shown = jsonSchema(contract.params, "output", fields) as typeof properties & {
      properties: typeof properties;
    };
    assert.deepEqual(shown.properties.ext.additionalProperties, { type: "object" });
  });

  it("are printed with their labels, where they have one", () => {
    const value = { loyalty: { giftNote: "Hello", points: 3 }, other: { giftNote: "no" } };
    assert.deepEqual(printedFields("parcel", value, fields), [{ label: "Gift note", text: "Hello" }]);
    assert.deepEqual(printedFields("parcel", value, {}), []);
    assert.deepEqual(printedFields("parcel", undefined, fields), []);
  });

  it("are refused for what takes none", () => {
    assert.doesNotThrow(() => checkThings(fields));
    assert.throws(
      () => checkThings(extend({ name: "a", fields: { ordr: z.object({}) } }).fields),
      /nothing takes fields of ordr/,
    );
  });

  it("of a package that this node does not know stay with an order, in its view and its events", () => {
    const place: DataIn<"order.place"> = {
      number: "N1",
      customerId: CUSTOMER,
      ext: { unheard: { of: ["this"] } },
      lines: [{ sku: "tea", name: "Tea", quantity: 1, unitPrice: usd(300), total: usd(300) }],
      total: usd(300),
      shippingAddress: anAddress(),
      payment: { provider: "sandbox" },
      paymentId: CUSTOMER,
      deliveryId: CUSTOMER,
      expiresAt: "2026-01-01T01:00:00Z",
    };
    const placed = given(orderActor).when(["order.place", place]);
    placed.then({ state: { ext: { unheard: { of: ["this"] } } } });
    assert.deepEqual(placed.sent("order.placed")[0]?.ext, place.ext);
    const paid = placed.when(
      ["stock.reserved", { sku: "tea", quantity: 1, generation: 1 }],
      ["payment.captured", { paymentId: CUSTOMER, amount: usd(300) }],
    );
    assert.deepEqual(paid.sent("order.paid")[0]?.ext, place.ext);
    assert.ok(paid.state);
    const view = orderView({ id: CUSTOMER, version: 1, state: paid.state });
    assert.deepEqual(orders.actions.get.returns.parse(view).ext, place.ext);
  });
});
