/** PayPal's own SDK for Node against the emulator. Only the socket of its requests is changed. */
import assert from "node:assert/strict";
import http, { type ClientRequest, type IncomingMessage, type RequestOptions } from "node:http";
import {
  ApiError,
  CheckoutPaymentIntent,
  Client,
  Environment,
  OrdersController,
  PaymentsController,
} from "@paypal/paypal-server-sdk";
import { newId } from "../../../../../broker/contract/ids.ts";
import { openProviderFixture } from "../../../../../test/support/providers/provider-fixture.ts";
import { startPayPal } from "../emulator/paypal.ts";
import { paypal } from "../paypal.ts";

const fixture = await openProviderFixture({
  provider: paypal,
  start: startPayPal,
  money: (amount) => ({ amount, currency: "USD" }),
  price: 1_999,
  timeScale: 10_000_000,
});
const { emulator } = fixture;

describe("PayPal's own SDK, at the emulator", () => {
  /** The SDK knows only PayPal's two addresses, so its requests are redirected to the emulator on their way out. */
  const transport = {
    request(options: RequestOptions, answered: (it: IncomingMessage) => void): ClientRequest {
      const { hostname, port } = new URL(emulator.url);
      return http.request({ ...options, protocol: "http:", hostname, port, agent: false }, answered);
    },
  };
  const sdk = (secret = emulator.environment.PAYPAL_CLIENT_SECRET) => {
    const client = new Client({
      clientCredentialsAuthCredentials: {
        oAuthClientId: emulator.environment.PAYPAL_CLIENT_ID ?? "",
        oAuthClientSecret: secret ?? "",
      },
      environment: Environment.Sandbox,
      unstable_httpClientOptions: { transport, maxRedirects: 0 },
    });
    return { orders: new OrdersController(client), payments: new PaymentsController(client) };
  };
  const order = (value: string) => ({
    intent: CheckoutPaymentIntent.Capture,
    purchaseUnits: [{ customId: newId(), amount: { currencyCode: "USD", value } }],
  });
  const refusedWith = (status: number, said: RegExp) => (error: unknown) => {
    assert.ok(error instanceof ApiError, String(error));
    assert.equal(error.statusCode, status);
    assert.match(String(error.body), said);
    return true;
  };

  beforeEach(fixture.reset);
  after(fixture.close);

  it("opens an order once for one request id, captures it and gives a part of it back", async () => {
    const { orders, payments } = sdk();
    const asked = { body: order("19.99"), paypalRequestId: newId() };
    const { result: opened } = await orders.createOrder(asked);
    const { result: again } = await orders.createOrder(asked);
    assert.ok(opened.id);
    assert.equal(again.id, opened.id);
    assert.equal(opened.status, "CREATED");

    await emulator.pay(opened.id, "succeed");
    assert.equal((await orders.getOrder({ id: opened.id })).result.status, "APPROVED");

    const { result: captured } = await orders.captureOrder({ id: opened.id, paypalRequestId: newId() });
    assert.equal(captured.status, "COMPLETED");
    const captureId = captured.purchaseUnits?.[0]?.payments?.captures?.[0]?.id;
    assert.ok(captureId);

    const { result: refunded } = await payments.refundCapturedPayment({
      captureId,
      paypalRequestId: newId(),
      body: { amount: { currencyCode: "USD", value: "5.00" } },
    });
    assert.equal(refunded.status, "COMPLETED");
    const [records] = emulator.records();
    assert.deepEqual([records?.captured, records?.refunded], [1_999, 500]);
  });

  it("is told what is wrong in the shapes that it knows", async () => {
    const { orders } = sdk();
    const { result } = await orders.createOrder({ body: order("10.00"), paypalRequestId: newId() });
    await assert.rejects(
      orders.captureOrder({ id: String(result.id), paypalRequestId: newId() }),
      refusedWith(422, /ORDER_NOT_APPROVED/),
    );
    await assert.rejects(orders.getOrder({ id: "NO0SUCH0ORDER" }), refusedWith(404, /RESOURCE_NOT_FOUND/));
    await assert.rejects(
      sdk("wrong").orders.getOrder({ id: String(result.id) }),
      (error: unknown) => error instanceof ApiError && error.statusCode === 401,
    );
  });
});
