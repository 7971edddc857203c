import assert from "node:assert/strict";
import fc from "fast-check";
import { askedWords, searchWords } from "../../../services/orders/order/search-words.ts";
import { anAddress } from "../../../souk/testing/address.ts";

const order = (email: string, name: string, skus: string[] = []) => ({
  number: "261127-7K2QF-M9DXA",
  customer: { email, name },
  shippingAddress: anAddress({ name: "Ann Example" }),
  lines: skus.map((sku) => ({
    sku,
    name: "x",
    quantity: 1,
    unitPrice: { amount: 1, currency: "USD" },
    total: { amount: 1, currency: "USD" },
  })),
});
const finds = (query: string, words: readonly string[]) =>
  askedWords(query).every((it) => words.includes(it));

describe("the words of an order", () => {
  const words = searchWords(order("Info@übung.de", "Zoë van 't Hoff", ["Größe/12 rot"]));

  it("are found whatever the case, accents and form of an e-mail address", () => {
    for (const query of [
      "261127-7k2qf-m9dxa",
      "7K2QF-M9DXA",
      "info@xn--bung-zra.de",
      "INFO@ÜBUNG.DE",
      '"Zoe" <info@übung.de>',
      "zoe hoff",
      "ann",
      "GROSSE/12".toLowerCase().replace("ss", "ß"),
      "rot",
    ])
      assert.ok(finds(query, words), query);
    for (const query of ["zo", "7K2QF", "übung", "bob"]) assert.ok(!finds(query, words), query);
  });

  it("are bounded, and each word of a customer's name finds the order", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "grapheme", maxLength: 60 }),
        fc.array(fc.string(), { maxLength: 100 }),
        (name, skus) => {
          const found = searchWords(order("ann@example.com", name, skus));
          assert.ok(found.length <= 24 && found.every((it) => it.length <= 64));
          assert.ok(askedWords(name).every((it) => found.includes(it) || found.length === 24));
        },
      ),
    );
  });
});
