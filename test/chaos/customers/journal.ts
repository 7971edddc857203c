/** What customers and staff were told during the faults: the promises that the snapshot is checked against. */
import type { OrderStatus } from "../../../services/orders/orders.contract.ts";

/** A checkout under one `Idempotency-Key`. */
export interface Checkout {
  readonly key: string;
  readonly scenario: string;
  /** An id for each 2xx answer; more than one where the customer clicked twice. */
  readonly answers: string[];
}

/** A command that was answered 2xx, and the statuses that the order must have had because of it. */
export interface Promise2xx {
  readonly orderId: string;
  readonly what: string;
  /** The order's history must show one of these. */
  readonly through: readonly OrderStatus[];
}

export class Journal {
  readonly checkouts: Checkout[] = [];
  /** Keys of checkouts of one and the same cart, at once. */
  readonly tabs: (readonly string[])[] = [];
  readonly promises: Promise2xx[] = [];
  /** Definite answers that no customer should get, in words. */
  readonly surprises: string[] = [];
  /** Flows by scenario, and how they ended for the customer. */
  readonly flows = new Map<string, number>();

  checkout(key: string, scenario: string): Checkout {
    const made = { key, scenario, answers: [] };
    this.checkouts.push(made);
    return made;
  }

  promised(orderId: string, what: string, ...through: readonly OrderStatus[]): void {
    this.promises.push({ orderId, what, through });
  }

  surprise(what: string, answer: { status: number; body: unknown }): void {
    this.surprises.push(`${what}: ${answer.status} ${JSON.stringify(answer.body).slice(0, 300)}`);
  }

  count(scenario: string, outcome: string): void {
    const name = `${scenario} → ${outcome}`;
    this.flows.set(name, (this.flows.get(name) ?? 0) + 1);
  }
}
