/** The actions of one customer in the shop, with retries. The journal records the answers. */
import { setTimeout as sleep } from "node:timers/promises";
import type { OrderView } from "../../../services/orders/orders.contract.ts";
import { anAddress } from "../../../souk/testing/address.ts";
import type { Checkout, Journal } from "./journal.ts";
import type { Answer, RequestOptions, RetryingClient } from "./retrying-client.ts";
import { type Person, signIn } from "./set-up.ts";

export interface PayOptions {
  outcome?: "succeed" | "decline" | "expire" | "process";
  delayMs?: number;
  times?: number;
  amount?: number;
}

/**
 * Why there is no order. `cart`: an earlier one has emptied it. `ordered`: another request has ordered it. `full`:
 * too many orders were open, and are cancelled now.
 */
type Refused = "cart" | "ordered" | "full";

const REFUSED: Record<string, Refused> = {
  "422 CART_EMPTY": "cart",
  "409 CART_ALREADY_ORDERED": "ordered",
  "409 TOO_MANY_OPEN_ORDERS": "full",
};

type Order = Pick<OrderView, "id" | "status" | "payment" | "delivery" | "total">;

const SHIPPING = anAddress({ name: "Chaos Buyer" });
const FIRST_LOOK_MS = 100;
const LONGEST_LOOK_MS = 1_000;

export class Customer {
  readonly person: Person;
  readonly #client: RetryingClient;
  readonly #journal: Journal;

  constructor(client: RetryingClient, journal: Journal, person: Person) {
    this.#client = client;
    this.#journal = journal;
    this.person = person;
  }

  async send<T>(method: string, path: string, options: RequestOptions = {}): Promise<Answer<T> | null> {
    const signed = () => ({ ...options, headers: { ...this.person.headers, ...options.headers } });
    const answer = await this.#client.send<T>(method, path, signed());
    if (answer?.status !== 401) return answer;
    if (!(await signIn(this.#client, this.person))) return null;
    return this.#client.send<T>(method, path, signed());
  }

  /** Empties the cart and fills it again. @returns false where the shop did not answer in time */
  async fillCart(lines: ReadonlyMap<string, number>): Promise<boolean> {
    if (!this.#expect("empty the cart", await this.send("DELETE", "/cart"), 204)) return false;
    for (const [sku, quantity] of lines) {
      const answer = await this.send("PUT", `/cart/items/${sku}`, { body: { quantity } });
      if (!this.#expect(`put ${sku} into the cart`, answer, 200)) return false;
    }
    return true;
  }

  /** Places an order. @returns null without an answer */
  async place(checkout: Checkout): Promise<Order | Refused | null> {
    const answer = await this.send<Order & { code?: string; orderIds?: string[] }>("POST", "/orders", {
      headers: { "idempotency-key": checkout.key, prefer: "wait=3" },
      body: { shippingAddress: SHIPPING, payment: { provider: "sandbox" } },
    });
    const refused = answer && REFUSED[`${answer.status} ${answer.body.code}`];
    if (refused === "full") await Promise.all((answer?.body.orderIds ?? []).map((id) => this.cancel({ id })));
    if (refused) return refused;
    if (!answer || !this.#expect("place an order", answer, 201)) return null;
    checkout.answers.push(answer.body.id);
    return answer.body;
  }

  /** The order, once it is as wanted. Null where that does not happen in time. */
  async until(id: string, isWanted: (order: Order) => boolean, withinMs: number): Promise<Order | null> {
    const deadline = performance.now() + withinMs;
    for (let pause = FIRST_LOOK_MS; ; pause = Math.min(pause * 1.5, LONGEST_LOOK_MS)) {
      const answer = await this.send<Order>("GET", `/orders/${id}`);
      if (!this.#expect(`see order ${id}`, answer, 200)) return null;
      if (answer && isWanted(answer.body)) return answer.body;
      if (performance.now() + pause > deadline) return null;
      await sleep(pause);
    }
  }

  /** The order, once its customer can pay it or it has ended. */
  async payable(order: Order, withinMs: number): Promise<Order | null> {
    const can = (it: Order) =>
      it.status !== "placed" && (it.status !== "awaiting_payment" || it.payment?.status !== "requested");
    return can(order) ? order : this.until(order.id, can, withinMs);
  }

  /** Decides on the sandbox's pay page. @returns whether it is decided, by this or an earlier try */
  async pay({ id, payment }: Order, options: PayOptions = {}): Promise<boolean> {
    if (payment?.nextAction?.type !== "redirect") return false;
    const path = new URL(payment.nextAction.url).pathname.replace(/^\/api\/v1/, "");
    const answer = await this.#client.send("POST", path, { body: { outcome: "succeed", ...options } });
    // 409: an earlier try has decided it, or the order ended before it was paid.
    return this.#expect(`pay order ${id}`, answer, 202, 409);
  }

  /** A new attempt to pay. @returns null where it is not possible */
  async payAgain({ id }: Order, key: string): Promise<Order | null> {
    const answer = await this.send<Order>("POST", `/orders/${id}/payments`, {
      headers: { "idempotency-key": key, prefer: "wait=3" },
      body: { provider: "sandbox" },
    });
    if (!this.#expect(`pay order ${id} again`, answer, 201, 409)) return null;
    return answer?.status === 201 ? answer.body : null;
  }

  async cancel({ id }: Pick<Order, "id">): Promise<void> {
    const answer = await this.send("POST", `/orders/${id}/cancel`, { body: { reason: "changed my mind" } });
    if (!this.#expect(`cancel order ${id}`, answer, 200, 409)) return;
    if (answer?.status === 200) this.#journal.promised(id, "cancelled", "cancelled");
  }

  /** Whether there was an answer with one of these statuses. Any other definite one is recorded as a surprise. */
  #expect(what: string, answer: Answer<unknown> | null, ...statuses: readonly number[]): boolean {
    if (!answer) return false;
    if (statuses.includes(answer.status)) return true;
    this.#journal.surprise(what, answer);
    return false;
  }
}
