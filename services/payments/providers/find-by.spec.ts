import assert from "node:assert/strict";
import { foundByOf, wantedBy } from "./find-by.ts";
import { mpesa } from "./mpesa/mpesa.ts";
import { stripe } from "./stripe/stripe.ts";

describe("what payments are found by", () => {
  const other = {
    name: "other",
    findBy: { phone: (written: string) => written.replaceAll(/\D/g, "") || null },
  };

  it("is what a provider declares of the customer's options", () => {
    assert.deepEqual(foundByOf(mpesa, { phone: "0722 000 111" }), ["phone:254722000111"]);
    const others: Record<string, string>[] = [{}, { phone: "no phone" }, { other: "0722000111" }];
    for (const options of others) assert.equal(foundByOf(mpesa, options), undefined);
    assert.equal(foundByOf(stripe, { phone: "0722000111" }), undefined);
  });

  it("is looked for as each provider writes it, at one or at all", () => {
    const modules = [mpesa, stripe, other];
    assert.deepEqual(wantedBy(modules, "phone", "0722000111"), ["phone:254722000111", "phone:0722000111"]);
    assert.deepEqual(wantedBy(modules, "phone", "0722000111", "mpesa"), ["phone:254722000111"]);
    assert.deepEqual(wantedBy(modules, "phone", "+1 202", "other"), ["phone:1202"]);
    for (const [phone, provider] of [
      ["+1 202", "mpesa"],
      ["0722000111", "stripe"],
      ["0722000111", "none"],
      ["none", undefined],
    ] as const)
      assert.throws(() => wantedBy(modules, "phone", phone, provider), { type: "VALIDATION_FAILED" });
  });
});
