import assert from "node:assert/strict";
import { cardNumbersIn, secretsIn } from "../../support/secrets-in.ts";

describe("looking for what no log may hold", () => {
  it("finds the cards that providers give out for tests, written as people write them", () => {
    for (const card of ["4242424242424242", "4811 1111 1111 1114", "5555-5555-5555-4444", "378282246310005"])
      assert.equal(cardNumbersIn(`{"card":"${card}"}`).length, 1, card);
  });

  it("leaves times, ids and numbers without a card's check digit alone", () => {
    for (const other of [
      "4242424242424241",
      "2026-03-01T10:00:00.000Z",
      "1772359200000",
      "01a1fdfe-7563-7c85-a9be-4545133167924",
    ])
      assert.deepEqual(cardNumbersIn(other), [], other);
  });

  it("names the secrets that it finds", () => {
    assert.deepEqual(secretsIn("a whsec_1 b", { KEY: "sk_1", SIGNING: "whsec_1" }), ["SIGNING"]);
  });
});
