/** Staff approve or refuse a return, note what has arrived, or try its refund again. */
import type { z } from "zod";
import type { ActorHost, Snapshot } from "../../broker/actor/runtime/document/actor-host.types.ts";
import { SoukError } from "../../broker/contract/errors.ts";
import type { Clock } from "../../broker/resilience/clock.ts";
import type { ReturnMessage, ReturnState } from "./return/state.ts";
import type { returns } from "./returns.contract.ts";

export interface DecideTools {
  returns: Pick<ActorHost<ReturnState, ReturnMessage>, "apply" | "read">;
  clock: Clock;
  /** Milliseconds to send the goods back. */
  ttl: number;
}

type Decision = z.output<typeof returns.actions.update.params>;

/**
 * @param by id of the member of staff
 * @throws {SoukError} NOT_FOUND, RETURN_TRANSITION, RETURN_RECEIPT or RETURN_AMOUNT; VALIDATION_FAILED for another currency
 */
export async function decideReturn(
  { returns, clock, ttl }: DecideTools,
  { id, status, reason, lines = [], refund }: Decision,
  by: string | undefined,
): Promise<Snapshot<ReturnState>> {
  if (by === undefined) throw new SoukError("UNAUTHENTICATED");
  switch (status) {
    case "approved": {
      const expiresAt = new Date(clock.now() + ttl).toISOString();
      return returns.apply(id, "return.approve", { by, expiresAt });
    }
    case "refused":
      return returns.apply(id, "return.refuse", { by, reason: reason ?? "refused" });
    case "received": {
      const present = await returns.read(id);
      if (!present) throw new SoukError("NOT_FOUND", "There is no such return.");
      const { currency } = present.state;
      if (refund && refund.currency !== currency) {
        const message = `must be ${currency}, as the order is`;
        throw new SoukError("VALIDATION_FAILED", `refund.currency: ${message}`, {
          errors: [{ field: "refund.currency", message }],
        });
      }
      return returns.apply(id, "return.receive", {
        by,
        lines,
        refund: refund?.amount ?? null,
        reason: reason ?? null,
      });
    }
    case "refunded":
      return returns.apply(id, "return.retry_refund", { by });
  }
}
