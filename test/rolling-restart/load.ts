/** People in the shop while it is restarted. They view goods, fill carts, order and pay. Nobody retries. */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { newId } from "../../broker/contract/ids.ts";
import { anAddress } from "../../souk/testing/address.ts";
import type { Person } from "../chaos/customers/set-up.ts";

export interface Figures {
  requests: number;
  failed: number;
  worstMs: number;
  /** What failed, with the time, for people. */
  failures: string[];
  /** Orders that were accepted, and those of them whose payment the shop has confirmed. */
  orders: number;
  paid: number;
}

export interface LoadOptions {
  url: string;
  /** Each has one order under way at a time. */
  customers: readonly Person[];
  skus: readonly string[];
  /** Who only look, and who only fill carts. */
  readers: number;
  carts: number;
}

const READ_PAUSE_MS = 100;
const CART_PAUSE_MS = 150;
const ORDER_PAUSE_MS = 1_000;
const PAID_WITHIN_MS = 20_000;
const TIMEOUT_MS = 15_000;
const ADDRESS = anAddress({ name: "Rolling Buyer" });

interface OrderView {
  id: string;
  status: string;
  payment: { status: string; nextAction?: { type: string; url: string } } | null;
}

export class Load {
  readonly figures: Figures = { requests: 0, failed: 0, worstMs: 0, failures: [], orders: 0, paid: 0 };
  /** The slowest request since the last query. */
  #worstLately = 0;
  readonly #options: LoadOptions;
  readonly #running: Promise<unknown>;
  #stopped = false;
  #turn = 0;

  constructor(options: LoadOptions) {
    this.#options = options;
    const { customers, readers, carts } = options;
    this.#running = Promise.all([
      ...Array.from({ length: readers }, () => this.#repeat(READ_PAUSE_MS, () => this.#look())),
      ...Array.from({ length: carts }, () => {
        const cart = { "x-cart-id": newId() };
        return this.#repeat(CART_PAUSE_MS, () => this.#fillCart(cart));
      }),
      ...customers.map((it) => this.#repeat(ORDER_PAUSE_MS, () => this.#checkOut(it))),
    ]);
  }

  /** Milliseconds that the worst request took since this was asked last. */
  takeWorst(): number {
    const worst = this.#worstLately;
    this.#worstLately = 0;
    return worst;
  }

  /** Resolves when everybody has finished what they had begun. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #repeat(pauseMs: number, visit: () => Promise<void>): Promise<void> {
    await sleep(Math.random() * pauseMs);
    while (!this.#stopped) {
      await visit();
      await sleep(pauseMs * (0.5 + Math.random()));
    }
  }

  #sku(): string {
    return this.#options.skus[this.#turn++ % this.#options.skus.length] ?? "";
  }

  async #look(): Promise<void> {
    await this.#send("GET", "/products?limit=10", 200);
    await this.#send("GET", `/inventory/${this.#sku()}`, 200);
  }

  async #fillCart(headers: Record<string, string>): Promise<void> {
    await this.#send("PUT", `/cart/items/${this.#sku()}`, 200, { headers, body: { quantity: 1 } });
    await this.#send("GET", "/cart", 200, { headers });
  }

  async #checkOut({ headers }: Person): Promise<void> {
    await this.#send("PUT", `/cart/items/${this.#sku()}`, 200, { headers, body: { quantity: 1 } });
    const order = await this.#send<OrderView>("POST", "/orders", 201, {
      headers: { ...headers, "idempotency-key": `"${randomUUID()}"`, prefer: "wait=3" },
      body: { shippingAddress: ADDRESS, payment: { provider: "sandbox" } },
    });
    if (!order) return;
    this.figures.orders++;
    const payable = await this.#until(order.id, headers, (it) => it.payment?.nextAction !== undefined);
    if (!payable?.payment?.nextAction) return;
    const page = new URL(payable.payment.nextAction.url).pathname.replace(/^\/api\/v1/, "");
    await this.#send("POST", page, 202, { body: { outcome: "succeed" } });
    if (await this.#until(order.id, headers, (it) => it.status === "paid")) this.figures.paid++;
  }

  async #until(
    id: string,
    headers: Record<string, string>,
    is: (order: OrderView) => boolean,
  ): Promise<OrderView | undefined> {
    for (const until = Date.now() + PAID_WITHIN_MS; Date.now() < until; await sleep(200)) {
      const order = await this.#send<OrderView>("GET", `/orders/${id}`, 200, { headers });
      if (order && is(order)) return order;
    }
    return undefined;
  }

  /** One request, sent once. Any other status than the expected one counts as failed. */
  async #send<T>(
    method: string,
    path: string,
    due: number,
    { headers = {}, body }: { headers?: Record<string, string>; body?: unknown } = {},
  ): Promise<T | undefined> {
    const started = performance.now();
    this.figures.requests++;
    try {
      const reply = await fetch(`${this.#options.url}/api/v1${path}`, {
        method,
        headers: { ...headers, ...(body === undefined ? {} : { "content-type": "application/json" }) },
        signal: AbortSignal.timeout(TIMEOUT_MS),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await reply.text();
      if (reply.status === due) return (text ? JSON.parse(text) : undefined) as T;
      this.#failed(`${method} ${path}: ${reply.status} ${text.slice(0, 300)}`);
    } catch (error) {
      const { message, cause } = error as Error;
      this.#failed(`${method} ${path}: ${message} ${cause instanceof Error ? cause.message : ""}`);
    } finally {
      const ms = performance.now() - started;
      this.#worstLately = Math.max(this.#worstLately, ms);
      this.figures.worstMs = Math.max(this.figures.worstMs, ms);
    }
    return undefined;
  }

  #failed(what: string): void {
    this.figures.failed++;
    this.figures.failures.push(`${new Date().toISOString()} ${what}`);
  }
}
