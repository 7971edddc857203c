/**
 * Repeats a read on another node when its node crashes or does not answer. A write is never repeated, because it may
 * have happened although its answer was lost. Contracts say which actions are reads. Moleculer's own retry might call
 * the same node again. So it is off, and this middleware applies its policy.
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { ActionEndpoint, CallingOptions, Context, Middleware, ServiceBroker } from "moleculer";
import type { CallMeta } from "../../contract/call-meta.ts";
import { actionContract, isReadOnly } from "../../contract/contract.ts";
import { anotherEndpoint, availableEndpoints } from "./endpoints.ts";

/** How long one node may take for a read while another can be asked, beyond what `Prefer: wait` asks for. Milliseconds. */
const TRY_MS = 5_000;
/** With less time left, no other node is asked. */
const LEAST_MS = 20;

type Target = string | ActionEndpoint;
type Answer = Promise<unknown> & { ctx?: Context };
type Call = (target: Target, params: unknown, options?: CallingOptions) => Answer;

/** For one broker. */
export function repeatReads(broker: ServiceBroker): Middleware {
  const call =
    (next: Call): Call =>
    (target, params, options = {}) => {
      // Without a transporter there is no other node.
      if (!broker.transit) return next(target, params, options);
      const name = typeof target === "string" ? target : (target.action.name ?? "");
      const contract = actionContract(name);
      // A caller that names a node wants that node's answer.
      if (!contract || !isReadOnly(contract) || options.nodeID) return next(target, params, options);
      return new Read(broker, next, name, params, options).start(target);
    };
  // Moleculer's types give `call` without its parameters.
  const hooks: object = { call };
  return { name: "RepeatReads", ...hooks };
}

class Read {
  readonly #broker: ServiceBroker;
  readonly #next: Call;
  readonly #name: string;
  readonly #params: unknown;
  readonly #options: CallingOptions;
  readonly #deadline: number;
  readonly #tryMs: number;
  readonly #tried = new Set<string>();

  constructor(broker: ServiceBroker, next: Call, name: string, params: unknown, options: CallingOptions) {
    this.#broker = broker;
    this.#next = next;
    this.#name = name;
    this.#params = params;
    this.#options = options;
    const total = options.timeout ?? broker.options.requestTimeout ?? 0;
    const meta: CallMeta = options.meta ?? options.parentCtx?.meta ?? {};
    this.#tryMs = TRY_MS + (meta.preferWait ?? 0) * 1_000;
    this.#deadline = total > 0 ? performance.now() + total : Number.POSITIVE_INFINITY;
  }

  start(target: Target): Answer {
    const first = this.#ask(target, 0);
    const answer: Answer = first.catch((error: unknown) => this.#again(answer, first, error));
    // Moleculer finds the call's meta there.
    if (first.ctx) answer.ctx = first.ctx;
    return answer;
  }

  async #again(answer: Answer, first: Answer, firstError: unknown): Promise<unknown> {
    const { retries = 0, delay = 0, maxDelay = 0, factor = 1 } = this.#broker.options.retryPolicy ?? {};
    let [last, error] = [first, firstError];
    for (let attempt = 1; attempt <= retries; attempt++) {
      const other = this.#mayRepeat(error) ? this.#another(last.ctx) : undefined;
      if (!other) break;
      await sleep(Math.min(maxDelay, delay * factor ** (attempt - 1)));
      if (this.#left < LEAST_MS) break;
      this.#broker.logger.debug(`${this.#name} is repeated on another node`, { node: other.id, attempt });
      last = this.#ask(other, attempt);
      if (last.ctx) answer.ctx = last.ctx;
      try {
        return await last;
      } catch (again) {
        error = again;
      }
    }
    throw settled(error);
  }

  get #left(): number {
    return this.#deadline - performance.now();
  }

  #ask(target: Target, attempt: number): Answer {
    const { retries = 0 } = this.#broker.options.retryPolicy ?? {};
    const hasMore = attempt < retries && availableEndpoints(this.#broker, this.#name).length > 1;
    const timeout = hasMore ? Math.min(this.#tryMs, this.#left) : this.#left;
    return this.#next(target, this.#params, {
      ...this.#options,
      ...(Number.isFinite(timeout) ? { timeout: Math.ceil(timeout) } : {}),
    });
  }

  #mayRepeat(error: unknown): boolean {
    return error instanceof Error && this.#broker.options.retryPolicy?.check?.(error) === true;
  }

  /** A node that was not asked yet. Undefined where there is none, or where no node was asked at all. */
  #another(ctx: Context | undefined): ActionEndpoint | undefined {
    if (!ctx?.nodeID) return undefined;
    this.#tried.add(ctx.nodeID);
    return anotherEndpoint(this.#broker, this.#name, (nodeID) => this.#tried.has(nodeID));
  }
}

/** Marks a failure that was retried enough. A read that waits for this one, on any node, need not repeat it. */
function settled(error: unknown): unknown {
  if (error instanceof Error && "retryable" in error) error.retryable = false;
  return error;
}
