import assert from "node:assert/strict";
import { returnAddress, returnPage } from "../return-address.ts";

describe("the address that customers come back to", () => {
  const intent = { orderId: "01941b2e-5c00-7d3a-9f10-3c5d8a7e6b21" };

  it("tells the page of the order and the outcome, beside its own parameters", () => {
    assert.equal(
      returnAddress("https://shop.example/thanks?lang=en#/order", intent, "cancelled"),
      `https://shop.example/thanks?lang=en&orderId=${intent.orderId}&outcome=cancelled#/order`,
    );
    assert.equal(
      returnAddress("https://shop.example", intent),
      `https://shop.example/?orderId=${intent.orderId}`,
    );
    const page = "https://shop.example/?orderId=another&outcome=succeeded&orderId=third";
    assert.equal(
      returnAddress(page, intent, "failed"),
      `https://shop.example/?orderId=${intent.orderId}&outcome=failed`,
    );
  });

  it("is written as browsers read it", () => {
    assert.equal(
      returnAddress(`https://SHOP.example/a"><b>`, intent, "failed"),
      `https://shop.example/a%22%3E%3Cb%3E?orderId=${intent.orderId}&outcome=failed`,
    );
  });

  it("is a page of the gateway where the shop has none", () => {
    assert.equal(returnPage("https://shop.example/souk"), "https://shop.example/souk/api/v1/payments/return");
  });
});
