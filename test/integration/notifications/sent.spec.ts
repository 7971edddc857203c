/** What leaves a whole shop for an order: the mail with its invoice by SMTP, and one SMS for who has asked for it. */
import assert from "node:assert/strict";
import { SMTPServer } from "smtp-server";
import { newId } from "../../../broker/contract/ids.ts";
import { startTwilio, type TwilioEmulator } from "../../../services/notifications/sms/emulator/twilio.ts";
import type { OrderView } from "../../../services/orders/orders.contract.ts";
import { anAddress } from "../../../souk/testing/address.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import {
  decide,
  firstAdmin,
  orderBecomes,
  type Person,
  payPage,
  putInCart,
  putOnSale,
  signUp,
} from "../../../souk/testing/people.ts";
import { type Shop, startShop } from "../../../souk/testing/start-shop.ts";

describe("a shop with a mail server and a provider of SMS", function () {
  this.timeout(120_000);
  const mails: string[] = [];
  let server: SMTPServer;
  let provider: TwilioEmulator;
  let shop: Shop;
  let ann: Person;
  let orderId: string;

  before(async () => {
    provider = await startTwilio();
    server = new SMTPServer({
      authOptional: true,
      disabledCommands: ["STARTTLS"],
      logger: false,
      closeTimeout: 10,
      onData(stream, _, done) {
        const parts: Buffer[] = [];
        stream.on("data", (it: Buffer) => parts.push(it));
        stream.on("end", () => {
          mails.push(Buffer.concat(parts).toString());
          done();
        });
      },
    });
    server.on("error", () => undefined);
    const port = await new Promise<number>((resolve) => {
      const listening = server.listen(0, "127.0.0.1", () => {
        const address = listening.address();
        resolve(typeof address === "object" && address ? address.port : 0);
      });
    });
    shop = await startShop({
      env: {
        MAIL_URL: `smtp://127.0.0.1:${port}`,
        MAIL_FROM: "Souk <shop@shop.example>",
        SMS_URL: provider.url,
        SMS_ACCOUNT: provider.account,
        SMS_TOKEN: provider.token,
        SMS_FROM: "Souk",
      },
    });
    const admin = await firstAdmin(shop.http);
    ann = await signUp(shop.http);
    const wishes = await ann.http.expect<{ channels: string[]; offered: string[] }>(
      200,
      "PUT",
      "/users/me/notifications",
      { body: { off: [], channels: ["sms"] } },
    );
    assert.deepEqual(wishes, { ...wishes, channels: ["sms"], offered: ["sms", "push"] });
    const { sku } = await putOnSale(admin);
    await putInCart(ann, sku);
    const placed = await ann.http.request<OrderView>("POST", "/orders", {
      body: { shippingAddress: anAddress({ phone: "+1 202 555 0100" }), payment: { provider: "sandbox" } },
      headers: { "idempotency-key": newId(), prefer: "wait=5" },
    });
    orderId = placed.body.id;
    await decide(shop.http, payPage(await orderBecomes(ann, orderId, "awaiting_payment")), {
      outcome: "succeed",
    });
    await orderBecomes(ann, orderId, "paid");
  });
  after(async () => {
    await shop?.stop();
    await provider?.close();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });

  it("attaches the invoice to the mail of a paid order, byte for byte", async () => {
    // An invoice that was not there at the first attempt is attached at the next.
    const mail = await eventually(
      "the mail of the paid order",
      () => mails.find((it) => it.includes("application/pdf")),
      40_000,
    );
    const [, head = "", body = ""] =
      /(Content-Type: application\/pdf[\s\S]*?)\r\n\r\n([A-Za-z0-9+/=\r\n]+)/.exec(mail) ?? [];
    assert.match(head, /Content-Disposition: attachment;\s+filename="?invoice-[\w-]+\.pdf"?/);
    const attached = Buffer.from(body, "base64");
    const reply = await fetch(`${shop.url}/api/v1/orders/${orderId}/invoice.pdf`, {
      headers: { authorization: `Bearer ${ann.accessToken}` },
    });
    assert.equal(attached.subarray(0, 5).toString(), "%PDF-");
    assert.deepEqual(attached, Buffer.from(await reply.arrayBuffer()));
  });

  it("sends one SMS that the order is paid, to the number of its address", async () => {
    await eventually("the SMS", () => provider.sent.length > 0);
    assert.equal(provider.sent.length, 1);
    const [sms] = provider.sent;
    assert.match(sms?.body ?? "", /^.+: your order \d{6}-[\w-]+ is paid\.$/);
    assert.equal(sms?.to, "+12025550100");
  });
});
