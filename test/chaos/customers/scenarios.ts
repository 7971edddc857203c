/** The mix of customers' behaviour. Each has its own random numbers, so that a seed repeats the same customers. */
import { setTimeout as sleep } from "node:timers/promises";
import { type SeededRandom, seededRandom } from "../../support/seeded-random.ts";
import type { Customer } from "./customer.ts";
import type { Checkout, Journal } from "./journal.ts";
import type { Goods } from "./set-up.ts";
import type { Staff } from "./staff.ts";

type Order = NonNullable<Awaited<ReturnType<Customer["payable"]>>>;

interface Stage {
  customer: Customer;
  random: SeededRandom;
  /** A key for a request of this flow. */
  key(part: string): string;
  /** How long the customer waits for the order to move. */
  waitMs: number;
}

/** What the customer does with an order that waits for payment. */
type Conduct = (stage: Stage, order: Order) => Promise<unknown>;

const refusePayment: Conduct = ({ customer, random }, order) =>
  customer.pay(order, { delayMs: random.between(300, 4_000), times: random.between(1, 3) });

async function tryAgain({ customer, key, waitMs }: Stage, order: Order): Promise<void> {
  const again = await customer.payAgain(order, key("again"));
  const open = again && (await customer.payable(again, waitMs));
  if (open) await customer.pay(open);
}

const secondAttempt =
  (outcome: "decline" | "expire"): Conduct =>
  async (stage, order) => {
    const { customer, waitMs } = stage;
    if (!(await customer.pay(order, { outcome }))) return;
    const over = (it: Order) => it.payment?.status === (outcome === "decline" ? "failed" : "expired");
    if (await customer.until(order.id, (it) => over(it) || it.status !== "awaiting_payment", waitMs))
      await tryAgain(stage, order);
  };

/** The bank says that it works on it, and later how it ended. */
async function bySlowBank({ customer, random, waitMs }: Stage, order: Order): Promise<void> {
  const end = {
    outcome: random.chance(0.7) ? "succeed" : "decline",
    delayMs: random.between(0, 2_000),
  } as const;
  if (!(await customer.pay(order, { outcome: "process" }))) return;
  const isKnown = (it: Order) => it.payment?.status === "processing" || it.status !== "awaiting_payment";
  await customer.until(order.id, isKnown, waitMs);
  await customer.pay(order, end);
}

/** By name, with how many of a hundred customers do so. */
const conducts: Record<string, { share: number; conduct: Conduct }> = {
  pays: { share: 22, conduct: ({ customer }, order) => customer.pay(order) },
  "clicks twice": { share: 10, conduct: ({ customer }, order) => customer.pay(order) },
  "two tabs": { share: 4, conduct: ({ customer }, order) => customer.pay(order) },
  "out of stock": { share: 8, conduct: ({ customer }, order) => customer.pay(order) },
  "webhook twice": {
    share: 8,
    conduct: ({ customer, random }, order) => customer.pay(order, { times: random.between(2, 4) }),
  },
  "webhook late": { share: 8, conduct: refusePayment },
  declines: { share: 10, conduct: secondAttempt("decline") },
  "lets it expire": { share: 2, conduct: secondAttempt("expire") },
  cancels: {
    share: 7,
    async conduct({ customer, random }, order) {
      await sleep(random.between(0, 800));
      await customer.cancel(order);
    },
  },
  "cancels while paying": {
    share: 5,
    conduct: ({ customer, random }, order) =>
      Promise.all([
        customer.pay(order, { delayMs: random.between(0, 1_500), times: random.between(1, 2) }),
        sleep(random.between(0, 700)).then(() => customer.cancel(order)),
      ]),
  },
  "pays twice": {
    share: 4,
    async conduct(stage, order) {
      await stage.customer.pay(order, { delayMs: stage.random.between(200, 2_000) });
      await tryAgain(stage, order);
    },
  },
  "wrong amount": {
    share: 3,
    conduct: ({ customer, random }, order) =>
      customer.pay(order, { amount: order.total.amount + (random.chance(0.5) ? 1 : -1) }),
  },
  "slow bank": { share: 4, conduct: bySlowBank },
  // Its order never waits for a payment.
  "free of charge": { share: 2, conduct: async () => undefined },
  "never pays": { share: 3, conduct: async () => undefined },
};

const names = Object.entries(conducts).flatMap(([name, { share }]) => Array<string>(share).fill(name));

/** Of these, an order is expected to become paid sooner or later. */
const PAYING = new Set([
  "pays",
  "clicks twice",
  "two tabs",
  "out of stock",
  "webhook twice",
  "webhook late",
  "declines",
]);

export interface Flow {
  seed: number;
  /** Which flow of the run this is: what happens in it depends on nothing else. */
  number: number;
  customer: Customer;
  staff: Staff;
  goods: Goods;
  journal: Journal;
  waitMs: number;
}

/** One customer's whole visit, as far as the faults permit. */
export async function play({ seed, number, customer, staff, goods, journal, waitMs }: Flow): Promise<void> {
  const random = seededRandom(seed, "flow", number);
  const name = random.pick(names);
  const key = (part: string) => `"${seed}-${number}-${part}"`;
  const order = await checkOut(customer, journal, cartFor(name, goods, random), name, key);
  if (!order) return journal.count(name, "no answer");
  const open = await customer.payable(order, waitMs);
  if (open?.status !== "awaiting_payment") {
    journal.count(name, open?.status ?? "no answer");
    if (open?.status === "paid") await staff.handle(open, random);
    return;
  }

  await conducts[name]?.conduct({ customer, random, key, waitMs }, open);
  if (!PAYING.has(name)) return journal.count(name, "done");
  const paid = await customer.until(order.id, (it) => it.delivery !== null || isOver(it), waitMs);
  journal.count(name, paid?.status ?? "not seen to move");
  if (paid?.status === "paid") await staff.handle(paid, random);
}

const isOver = ({ status }: Order): boolean => ["rejected", "cancelled", "expired"].includes(status);

function cartFor(name: string, goods: Goods, random: SeededRandom): Map<string, number> {
  if (name === "free of charge") return new Map([[goods.free, random.between(1, 3)]]);
  const cart = new Map(
    random
      .shuffled(goods.plenty)
      .slice(0, random.between(1, 3))
      .map((sku) => [sku, random.between(1, 3)]),
  );
  if (name === "out of stock") cart.set(random.chance(0.3) ? goods.none : random.pick(goods.scarce), 1);
  else if (random.chance(0.15)) cart.set(random.pick(goods.scarce), random.between(1, 2));
  return cart;
}

const CART_TRIES = 3;

/** Of one cart: usually one; the same twice at once, or two with keys of their own. */
function requestsFor(name: string, journal: Journal, key: (tab: string) => string): Checkout[] {
  const request = journal.checkout(key(""), name);
  if (name === "clicks twice") return [request, request];
  if (name !== "two tabs") return [request];
  const other = journal.checkout(key("-tab"), name);
  journal.tabs.push([request.key, other.key]);
  return [request, other];
}

async function checkOut(
  customer: Customer,
  journal: Journal,
  cart: ReadonlyMap<string, number>,
  name: string,
  key: (part: string) => string,
): Promise<Order | null> {
  for (let tries = 0; tries < CART_TRIES; tries++) {
    if (!(await customer.fillCart(cart))) return null;
    const requests = requestsFor(name, journal, (tab) => key(`order-${tries}${tab}`));
    const answers = await Promise.all(requests.map((it) => customer.place(it)));
    const order = answers.find((it) => it !== null && typeof it === "object");
    if (order) return order;
    if (!answers.includes("cart") && !answers.includes("full")) return null;
  }
  return null;
}
