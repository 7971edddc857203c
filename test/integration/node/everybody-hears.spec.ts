/** Events are published for every listener: a queue without a contract, bound by hand to the shop's exchange. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { type ChannelModel, connect } from "amqplib";
import { exchangeName } from "../../../broker/bus/topology.ts";
import { newId } from "../../../broker/contract/ids.ts";
import type { OrderView } from "../../../services/orders/orders.contract.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import { movableClock } from "../../../souk/testing/movable-clock.ts";
import {
  type Article,
  decide,
  deliveredOrder,
  deliveryOf,
  firstAdmin,
  order,
  orderBecomes,
  orderCart,
  PASSWORD,
  type Person,
  paidOrder,
  payPage,
  putInCart,
  putOnSale,
  signUp,
} from "../../../souk/testing/people.ts";
import { type Shop, startShop } from "../../../souk/testing/start-shop.ts";
import { deleteQueues } from "../../support/rabbit/rabbit-cleanup.ts";

const AMQP_URL = process.env.AMQP_URL ?? "amqp://guest:guest@127.0.0.1:5672";
const TTL_MS = 30 * 60_000;
const EVENT_WAIT_MS = 20_000;

/** Documented events that this run does not bring about, and why not. */
const NOT_SEEN: Readonly<Record<string, string>> = {
  "notification.failed": "the mailbox of development takes every mail",
  "payment.refund_failed": "the sandbox makes every refund",
  "return.expired": "nobody stays signed in for so long",
  "webhook_endpoint.tested": "only the endpoint that is tried gets it",
};

interface Documented {
  components: { messages: Record<string, { tags: { name: string }[] }> };
}

describe("A queue of somebody else's, bound to all messages", function () {
  this.timeout(120_000);
  const prefix = `test-${randomUUID().slice(0, 8)}`;
  const clock = movableClock();
  const seen = new Map<string, { subject: string; data: unknown }[]>();
  let documented: Documented["components"]["messages"];
  let rabbit: ChannelModel;
  let shop: Shop;
  let admin: Person;
  let buyer: Person;
  let article: Article;

  before(async () => {
    const text = await readFile(new URL("../../../docs/asyncapi.json", import.meta.url), "utf8");
    documented = (JSON.parse(text) as Documented).components.messages;
    shop = await startShop({
      env: { AMQP_URL, AMQP_PREFIX: prefix, TRANSPORTER: "Fake", NODE_ID: "only" },
      clock,
    });
    rabbit = await connect(AMQP_URL);
    const channel = await rabbit.createChannel();
    const { queue } = await channel.assertQueue("", { exclusive: true, durable: false });
    await channel.bindQueue(queue, exchangeName(prefix), "#");
    await channel.consume(
      queue,
      (message) => {
        if (!message) return;
        const { type, subject, data } = JSON.parse(message.content.toString());
        seen.set(type, [...(seen.get(type) ?? []), { subject, data }]);
      },
      { noAck: true },
    );
    admin = await firstAdmin(shop.http);
    buyer = await signUp(shop.http);
    article = await putOnSale(admin, { onHand: 100 });
  });
  after(async () => {
    await shop?.stop();
    await deleteQueues(AMQP_URL, prefix);
    await rabbit?.close();
  });

  const hears = (type: string, subject: string) =>
    eventually(
      `${type} of ${subject} is heard`,
      () => seen.get(type)?.find((it) => it.subject === subject),
      EVENT_WAIT_MS,
    );
  const deliver = async (id: string, status: string, more: object = {}) => {
    const delivery = await deliveryOf(buyer, id);
    await admin.http.expect(200, "PATCH", `/deliveries/${delivery.id}`, { body: { status, ...more } });
  };
  const refund = ({ payment }: OrderView) =>
    admin.http.expect(201, "POST", `/payments/${payment?.id}/refunds`, {
      body: { reason: "changed their mind" },
      headers: { "idempotency-key": newId() },
    });

  it("hears of accounts", async () => {
    await hears("user.registered", buyer.id);
    await hears("user.email_verification_requested", buyer.id);
    await shop.http.expect(202, "POST", "/auth/password/forgot", { body: { email: buyer.email } });
    await hears("user.password_reset_requested", buyer.id);
    const passwords = { currentPassword: PASSWORD, password: "another passphrase" };
    await buyer.http.expect(204, "PUT", "/users/me/password", { body: passwords });
    await hears("user.password_changed", buyer.id);
  });

  it("hears of accounts that staff invite, block and erase", async () => {
    const body = { email: `${newId()}@example.com`, name: "Ira", roles: ["support"] };
    const invited = await admin.http.expect<{ id: string }>(201, "POST", "/users/invitations", { body });
    await hears("user.invited", invited.id);
    const { id } = await signUp(shop.http);
    await admin.http.expect(200, "PATCH", `/users/${id}`, { body: { blocked: true } });
    await hears("user.blocked", id);
    await admin.http.expect(204, "DELETE", `/users/${id}`);
    await hears("user.erased", id);
  });

  it("hears of a new e-mail address", async () => {
    const { id: userId, http } = await signUp(shop.http);
    const type = "user.email_change_requested";
    const wanted = { email: `${newId()}@example.com`, currentPassword: PASSWORD };
    await http.expect(202, "POST", "/users/me/email", { body: wanted });
    const asked = await eventually(
      "both addresses are asked",
      () => {
        const mine = seen.get(type)?.filter((it) => it.subject === userId) ?? [];
        return mine.length === 2 && mine;
      },
      EVENT_WAIT_MS,
    );
    for (const { data } of asked) {
      const request = {
        userId,
        requestId: (data as { requestId: string }).requestId,
        purpose: "change_email",
      };
      const body = await shop.node.broker.call<{ token: string }, object>("users.issueMailToken", request);
      await shop.http.expect(200, "POST", "/auth/email/change", { body });
    }
    await hears("user.email_changed", userId);
  });

  it("hears of an import", async () => {
    const reply = await fetch(`${shop.url}/api/v1/imports?what=stock`, {
      method: "POST",
      headers: { authorization: `Bearer ${admin.accessToken}`, "content-type": "text/csv" },
      body: `sku,onHand\n${newId()},3\n`,
    });
    const { id } = (await reply.json()) as { id: string };
    await hears("import.ended", id);
  });

  it("hears of an order that goes all its way", async () => {
    const { id } = await paidOrder(buyer, article.sku);
    for (const type of ["order.placed", "payment.pending", "payment.captured", "order.paid"])
      await hears(type, id);
    await hears("delivery.created", id);
    await deliver(id, "shipped", { tracking: "T-1" });
    for (const type of ["delivery.shipped", "order.shipped"]) await hears(type, id);
    await deliver(id, "delivered");
    for (const type of ["delivery.succeeded", "order.delivered"]) await hears(type, id);
    await hears("stock.moved", article.sku);
  });

  it("hears of reviews, and of what they add up to", async () => {
    const written = await buyer.http.expect<{ id: string }>(
      201,
      "POST",
      `/products/${article.productId}/reviews`,
      { body: { rating: 5 } },
    );
    const path = `/reviews/${written.id}`;
    await hears("review.submitted", written.id);
    for (const status of ["published", "rejected"]) {
      await admin.http.expect(200, "PATCH", path, { body: { status } });
      await hears(`review.${status}`, written.id);
    }
    await hears("rating.changed", article.productId);
    await buyer.http.expect(200, "PUT", path, { body: { rating: 4 } });
    await hears("review.changed", written.id);
    await buyer.http.expect(204, "DELETE", path);
    await hears("review.deleted", written.id);
  });

  it("hears of orders that end in other ways", async () => {
    const cancelled = await order(buyer, article.sku);
    await buyer.http.expect(200, "POST", `/orders/${cancelled.id}/cancel`, { body: {} });
    await hears("order.cancelled", cancelled.id);

    const failed = await paidOrder(buyer, article.sku);
    await deliver(failed.id, "failed", { reason: "lost" });
    for (const type of ["delivery.failed", "order.delivery_failed", "payment.refunded", "order.refunded"])
      await hears(type, failed.id);

    const refunded = await paidOrder(buyer, article.sku);
    await refund(await orderBecomes(buyer, refunded.id, "paid"));
    for (const type of ["payment.refunded", "delivery.cancelled", "order.refunded"])
      await hears(type, refunded.id);

    const rare = await putOnSale(admin, { onHand: 1 });
    await admin.http.expect(200, "PATCH", `/inventory/${rare.sku}`, { body: { lowAt: 1 } });
    await hears("stock.low", rare.sku);
    const last = await order(buyer, rare.sku);
    await hears("stock.depleted", rare.sku);
    const late = await signUp(shop.http);
    await putInCart(late, rare.sku);
    const { body: rejected } = await orderCart(late);
    await hears("order.rejected", rejected.id);
    await buyer.http.expect(200, "POST", `/orders/${last.id}/cancel`, { body: {} });
    await hears("stock.replenished", rare.sku);
  });

  it("hears of goods that come back", async () => {
    const { id } = await deliveredOrder(buyer, admin, article.sku, 4);
    const ask = async () => {
      const request = {
        body: { lines: [{ sku: article.sku, quantity: 1 }], reason: "too big" },
        headers: { "idempotency-key": newId() },
      };
      return (await buyer.http.expect<{ id: string }>(201, "POST", `/orders/${id}/returns`, request)).id;
    };
    const staff = (returnId: string, body: object) =>
      admin.http.expect(200, "PATCH", `/returns/${returnId}`, { body });
    await staff(await ask(), { status: "refused", reason: "used" });
    await buyer.http.expect(200, "POST", `/returns/${await ask()}/cancel`, { body: {} });
    const sent = await ask();
    await staff(sent, { status: "approved" });
    await staff(sent, { status: "received", lines: [{ sku: article.sku, accepted: 1 }] });
    await staff(await ask(), { status: "approved" });
    for (const type of ["requested", "refused", "cancelled", "approved", "received", "refunded"] as const)
      await hears(`return.${type}`, id);
  });

  it("hears of payments that do not go well", async () => {
    const customer = await signUp(shop.http);
    const declined = await order(customer, article.sku);
    await decide(customer.http, payPage(declined), { outcome: "decline" });
    await hears("payment.failed", declined.id);
    const other = await signUp(shop.http);
    const late = await order(other, article.sku);
    await decide(other.http, payPage(late), { outcome: "expire" });
    await hears("payment.expired", late.id);
    const third = await signUp(shop.http);
    const short = await order(third, article.sku);
    await decide(third.http, payPage(short), { outcome: "succeed", amount: 1 });
    await hears("payment.anomaly", short.payment?.id ?? "");
    const fourth = await signUp(shop.http);
    const slow = await order(fourth, article.sku);
    await decide(fourth.http, payPage(slow), { outcome: "process" });
    await hears("payment.processing", slow.id);
  });

  it("hears of webhook endpoints that are disabled", async () => {
    const body = { url: "https://souk.invalid/hook", types: ["stock.low"] };
    const { id } = await admin.http.expect<{ id: string }>(201, "POST", "/webhook-endpoints", { body });
    await admin.http.expect(200, "PATCH", `/webhook-endpoints/${id}`, { body: { enabled: false } });
    await hears("webhook_endpoint.disabled", id);
  });

  it("hears of an order that was not paid in time", async () => {
    const customer = await signUp(shop.http);
    const { id } = await order(customer, article.sku);
    clock.advance(TTL_MS + 60_000);
    await hears("order.expired", id);
  });

  it("has heard every documented event, and nothing that is not documented", () => {
    const events = Object.entries(documented)
      .filter(([, { tags }]) => tags[0]?.name === "event")
      .map(([type]) => type);
    assert.ok(events.length > 20, "the document has events");
    assert.deepEqual(
      events.filter((type) => !seen.has(type)),
      Object.keys(NOT_SEEN),
    );
    assert.deepEqual(
      [...seen.keys()].filter((type) => !Object.hasOwn(documented, type)),
      [],
    );
  });
});
