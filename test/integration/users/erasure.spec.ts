/** An account that is erased: what the shop keeps of the person afterwards, in all its databases. */
import assert from "node:assert/strict";
import { BSON } from "mongodb";
import { newId } from "../../../broker/contract/ids.ts";
import type { OrderView } from "../../../services/orders/orders.contract.ts";
import { anAddress } from "../../../souk/testing/address.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import {
  decide,
  deliveryOf,
  firstAdmin,
  orderBecomes,
  type Person,
  payPage,
  putInCart,
  putOnSale,
  signUp,
} from "../../../souk/testing/people.ts";
import { type Shop, startShop } from "../../../souk/testing/start-shop.ts";

/** What stays, by the law: docs/privacy.md lists the same. */
const KEPT: Readonly<Record<string, readonly string[]>> = {
  name: ["orders.orders", "payments.invoices"],
  street: ["orders.orders", "payments.invoices"],
  email: [],
};

describe("an erased account", function () {
  this.timeout(60_000);
  let shop: Shop;
  let admin: Person;
  let sku: string;
  before(async () => {
    shop = await startShop();
    admin = await firstAdmin(shop.http);
    ({ sku } = await putOnSale(admin));
  });
  after(() => shop?.stop());

  const person = { name: "Annabel Unmistakable", street: "77 Nowhere Else Lane" };

  async function ordered(customer: Person): Promise<OrderView> {
    const shippingAddress = anAddress({ name: person.name, line1: person.street });
    await customer.http.expect(201, "POST", "/users/me/addresses", { body: shippingAddress });
    await putInCart(customer, sku);
    return customer.http.expect<OrderView>(201, "POST", "/orders", {
      body: { shippingAddress, payment: { provider: "sandbox" } },
      headers: { "idempotency-key": newId(), prefer: "wait=5" },
    });
  }
  async function paid(customer: Person): Promise<OrderView> {
    const placed = await ordered(customer);
    assert.equal((await decide(customer.http, payPage(placed), { outcome: "succeed" })).status, 202);
    return orderBecomes(customer, placed.id, "paid");
  }
  const carrier = (delivery: { id: string }, ...statuses: string[]) =>
    statuses.reduce(
      (before, status) =>
        before.then(() =>
          admin.http.expect(200, "PATCH", `/deliveries/${delivery.id}`, { body: { status } }),
        ),
      Promise.resolve<unknown>(undefined),
    );

  /** Collections, other than those of the sealed audit log, in which the text stands. */
  async function holding(text: string): Promise<string[]> {
    const found: string[] = [];
    for (const { service } of shop.node.runtime.shop.contracts) {
      if (service === "audit") continue;
      const database = shop.node.runtime.database(service);
      for (const { name } of await database.listCollections())
        for await (const document of database.collection(name).find())
          if (
            Buffer.from(BSON.serialize(document))
              .toString("latin1")
              .toLowerCase()
              .includes(text.toLowerCase())
          ) {
            found.push(`${service}.${name}`);
            break;
          }
    }
    return found.sort();
  }

  it("is found in no database but where the law wants it", async () => {
    const ann = await signUp(shop.http, person.name);
    const { id } = await paid(ann);
    const delivery = await deliveryOf(ann, id);
    await carrier(delivery, "shipped", "delivered");
    await orderBecomes(ann, id, "delivered");
    await putInCart(ann, sku);
    await eventually("a mail has told it", async () => {
      const { items } = await admin.http.expect<{ items: { kind: string; status: string }[] }>(
        200,
        "GET",
        `/notifications?orderId=${id}&kind=order_delivered`,
      );
      return items[0]?.status === "sent";
    });
    const before = await holding(ann.email);
    for (const where of ["users.accounts", "orders.orders", "notifications.mailbox"])
      assert.ok(before.includes(where), `${where} in ${before}`);

    await admin.http.expect(204, "DELETE", `/users/${ann.id}`);
    await eventually("the services have erased it", async () => {
      assert.deepEqual(
        {
          name: await holding(person.name),
          street: await holding(person.street),
          email: await holding(ann.email),
        },
        KEPT,
      );
      return true;
    });
    const order = await admin.http.expect<OrderView>(200, "GET", `/orders/${id}`);
    assert.deepEqual([order.customer.email, order.customer.name], [null, null]);
    const found = await admin.http.expect<{ items: unknown[] }>(
      200,
      "GET",
      "/orders?all=true&q=Unmistakable",
    );
    assert.deepEqual(found.items, []);
  });
});
