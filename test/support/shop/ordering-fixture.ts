/** Orders, inventory, payments and delivery for real, over a catalogue, carts and addresses that a test can write. */
import assert from "node:assert/strict";
import type { CallMeta } from "../../../broker/contract/call-meta.ts";
import type { DataIn, MessageType } from "../../../broker/contract/contract.ts";
import { type Envelope, envelope } from "../../../broker/contract/envelope.ts";
import { errorCode, SoukError } from "../../../broker/contract/errors.ts";
import { derivedV7, newId } from "../../../broker/contract/ids.ts";
import type { Money } from "../../../broker/contract/schemas.ts";
import delivery from "../../../services/delivery/delivery.service.ts";
import inventory from "../../../services/inventory/inventory.service.ts";
import type { OrderView } from "../../../services/orders/orders.contract.ts";
import orders from "../../../services/orders/orders.service.ts";
import payments from "../../../services/payments/payments.service.ts";
import { anAddress } from "../../../souk/testing/address.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import { openWebhookFront, type Received } from "../providers/webhook-front.ts";
import { type ServicesNode, startServices } from "./services-node.ts";

export const usd = (amount: number): Money => ({ amount, currency: "USD" });
export const ADDRESS = anAddress();

export interface Customer {
  readonly id: string;
  readonly meta: CallMeta;
}
export const newCustomer = (): Customer => {
  const id = newId();
  return { id, meta: { user: { id, roles: ["customer"] } } };
};
export const staff: CallMeta = {
  user: {
    id: newId(),
    roles: ["customer", "staff"],
    scopes: ["orders:read", "orders:write", "payments:read", "deliveries:read", "catalogue:read"],
  },
};

/** The registry code that a call fails with. */
export const failure = (call: Promise<unknown>) =>
  call.then(
    () => assert.fail("it should have failed"),
    (error: unknown) => errorCode(error) ?? assert.fail(error as Error),
  );

export interface OrderingFixture {
  readonly node: ServicesNode;
  /** Every message that was published, in that order. */
  readonly published: Envelope[];
  /** Moves the clock of all services ahead. */
  advance(ms: number): void;
  /** A new SKU at this price with stock, or without a stock record. */
  offer(price: Money, onHand?: number): Promise<string>;
  /** Id of the product of a SKU. */
  productOf(sku: string): string;
  fillCart(customer: Customer, lines: Record<string, number>): void;
  /** Saves an address and gives its id. */
  saveAddress(customer: Customer): string;
  place(customer: Customer, lines: Record<string, number>, meta?: CallMeta): Promise<OrderView>;
  publish<T extends MessageType>(type: T, subject: string, data: DataIn<T>): Promise<void>;
  /** The customer pays at the sandbox, which reports it. */
  pay(order: OrderView): Promise<void>;
  /** Keeps the provider's reports back until the function that it gives is called. */
  holdReports(): () => Promise<void>;
  /** Resolves when the order is in this status. */
  reaches(orderId: string, status: OrderView["status"]): Promise<OrderView>;
  stockOf(sku: string): Promise<{ onHand: number; held: number; available: number }>;
  close(): Promise<void>;
}

export async function openOrderingFixture(env: Record<string, string> = {}): Promise<OrderingFixture> {
  let ahead = 0;
  const prices = new Map<string, Money>();
  const carts = new Map<string, { revision: number; lines: Record<string, number> }>();
  let revisions = 0;
  const addresses = new Map<string, string>();
  const published: Envelope[] = [];

  const productOf = (sku: string) => derivedV7(sku.slice(-36), "product");
  const products = {
    name: "products",
    actions: {
      variants: ({ params }: { params: { skus: string[] } }) =>
        params.skus.flatMap((sku) => {
          const price = prices.get(sku);
          if (!price) return [];
          const options = { Size: "L", Colour: "red" };
          return [
            {
              sku,
              productId: productOf(sku),
              slug: sku.toLowerCase(),
              name: `Name of ${sku}`,
              price,
              options,
              image: null,
            },
          ];
        }),
    },
  };
  const cart = {
    name: "cart",
    actions: {
      contents({ params: { userId } }: { params: { userId: string } }) {
        const { revision, lines } = carts.get(userId) ?? { revision: 0, lines: {} };
        return {
          id: userId,
          revision,
          lines: Object.entries(lines).map(([sku, quantity]) => ({ sku, quantity })),
        };
      },
    },
  };
  const users = {
    name: "users",
    actions: {
      address({ params: { userId, id } }: { params: { userId: string; id: string } }) {
        if (addresses.get(id) !== userId) throw new SoukError("NOT_FOUND");
        return ADDRESS;
      },
      contacts: ({ params: { ids } }: { params: { ids: string[] } }) =>
        ids.map((id) => ({ id, email: "ann@example.com", name: "Ann" })),
    },
  };

  const front = await openWebhookFront();
  const node = await startServices([products, cart, users, inventory, payments, delivery, orders], {
    clock: { now: () => Date.now() + ahead },
    env: {
      PUBLIC_URL: front.url,
      SANDBOX_WEBHOOK_SECRET: "a secret of the sandbox, long enough",
      ...env,
    },
  });
  const passOn = ({ headers, body }: Received) =>
    node.call("payments.webhook", { provider: "sandbox", headers, body }).then(
      () => 200,
      () => 500,
    );
  front.handle = passOn;
  const { bus } = node.runtime;
  const publish = bus.publish.bind(bus);
  bus.publish = (message) => {
    published.push(message);
    return publish(message);
  };

  const fixture: OrderingFixture = {
    node,
    published,
    advance(ms) {
      ahead += ms;
    },
    async offer(price, onHand) {
      const sku = `SKU-${newId()}`;
      prices.set(sku, price);
      if (onHand !== undefined) await node.call("inventory.create", { sku, onHand }, staff);
      return sku;
    },
    productOf,
    fillCart: ({ id }, lines) => void carts.set(id, { revision: ++revisions, lines }),
    saveAddress({ id }) {
      const addressId = newId();
      addresses.set(addressId, id);
      return addressId;
    },
    place(customer, lines, meta = {}) {
      fixture.fillCart(customer, lines);
      return node.call(
        "orders.place",
        { shippingAddress: ADDRESS, payment: { provider: "sandbox" } },
        { ...customer.meta, idempotencyKey: newId(), preferWait: 10, ...meta },
      );
    },
    publish: (type, subject, data) =>
      bus.publish(envelope(type, subject, data, { source: "/test", at: node.runtime.clock.now() })),
    async pay({ payment }) {
      assert.ok(payment?.nextAction?.type === "redirect", "the payment is open");
      const ref = payment.nextAction.url.split("/").at(-1) ?? "";
      await node.call("payments.sandboxPay", { ref, outcome: "succeed" });
    },
    holdReports() {
      const held: Received[] = [];
      front.handle = async (report) => {
        held.push(report);
        return 200;
      };
      return async () => {
        front.handle = passOn;
        await eventually("the provider has reported", () => held.length > 0);
        const answers = await Promise.all(held.map(passOn));
        assert.ok(
          answers.every((status) => status === 200),
          "the reports are taken",
        );
      };
    },
    reaches: (id, status) =>
      eventually(`order ${id} is ${status}`, async () => {
        const order = await node.call("orders.get", { id }, staff);
        return order.status === status && order;
      }),
    stockOf: (sku) => node.call("inventory.get", { sku }),
    async close() {
      await node.close();
      await front.close();
    },
  };
  return fixture;
}
