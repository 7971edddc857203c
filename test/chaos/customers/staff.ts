/** Actions of staff on paid orders: ship, mark as delivered or failed, or refund. */
import { setTimeout as sleep } from "node:timers/promises";
import type { OrderView } from "../../../services/orders/orders.contract.ts";
import type { SeededRandom } from "../../support/seeded-random.ts";
import type { Customer } from "./customer.ts";
import type { Journal } from "./journal.ts";

const TRIES = 20;
const PAUSE_MS = 250;

export class Staff {
  readonly #admin: Customer;
  readonly #journal: Journal;

  constructor(admin: Customer, journal: Journal) {
    this.#admin = admin;
    this.#journal = journal;
  }

  /** Takes a paid order on, or leaves it. */
  async handle(order: Pick<OrderView, "id" | "payment" | "delivery">, random: SeededRandom): Promise<void> {
    const fate = random.next();
    const [id, deliveryId] = [order.id, order.delivery?.id];
    if (fate < 0.08 && order.payment) return this.#refund(id, order.payment.id, `refund-${id}`);
    if (!deliveryId || fate < 0.4) return;
    if (fate < 0.45) return void (await this.#report(id, deliveryId, "failed"));
    if (!(await this.#report(id, deliveryId, "shipped"))) return;
    if (fate < 0.6) return;
    await this.#report(id, deliveryId, fate < 0.72 ? "failed" : "delivered");
  }

  async #report(orderId: string, deliveryId: string, status: "shipped" | "delivered" | "failed") {
    for (let tries = 0; tries < TRIES; tries++) {
      const body = { status, ...(status === "shipped" ? { tracking: "CHAOS-1" } : { reason: "chaos" }) };
      const answer = await this.#admin.send("PATCH", `/deliveries/${deliveryId}`, { body });
      if (answer?.status === 200) {
        this.#journal.promised(orderId, status, status === "failed" ? "delivery_failed" : status);
        return true;
      }
      // The order knows its delivery's id before the delivery has been made.
      if (answer?.status !== 404) {
        if (answer) this.#journal.surprise(`report delivery ${deliveryId} as ${status}`, answer);
        return false;
      }
      await sleep(PAUSE_MS);
    }
    return false;
  }

  async #refund(orderId: string, paymentId: string, key: string): Promise<void> {
    const answer = await this.#admin.send("POST", `/payments/${paymentId}/refunds`, {
      headers: { "idempotency-key": key },
      body: { reason: "chaos" },
    });
    if (answer?.status === 201) this.#journal.promised(orderId, "refunded", "refunded");
    else if (answer) this.#journal.surprise(`refund order ${orderId}`, answer);
  }
}
