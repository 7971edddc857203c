/** Daraja's result codes of a push. */
import type { ProviderStatus } from "../provider.ts";

export interface Meaning {
  readonly status: Extract<ProviderStatus, "pending" | "captured" | "failed" | "cancelled" | "expired">;
  /** Our stable text. Null where nothing went wrong. */
  readonly reason: string | null;
}

const RESULTS: ReadonlyMap<string, Meaning> = new Map(
  Object.entries({
    "0": { status: "captured", reason: null },
    "1": { status: "failed", reason: "insufficient_funds" },
    "17": { status: "failed", reason: "provider_error" },
    "26": { status: "failed", reason: "provider_busy" },
    "1001": { status: "failed", reason: "phone_busy" },
    "1019": { status: "expired", reason: "transaction_expired" },
    "1025": { status: "failed", reason: "push_not_sent" },
    "1032": { status: "cancelled", reason: "cancelled_by_customer" },
    "1037": { status: "expired", reason: "phone_unreachable" },
    "2001": { status: "failed", reason: "wrong_pin" },
    "4999": { status: "pending", reason: null },
    "9999": { status: "failed", reason: "push_not_sent" },
  }),
);

/** A code outside the table is a failure with the code as its reason. Only 0 means money. */
export const meaningOf = (code: string): Meaning =>
  RESULTS.get(code) ?? { status: "failed", reason: `mpesa result ${code.slice(0, 20)}` };
