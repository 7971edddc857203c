import type { ProviderTraits } from "../../../../../test/support/providers/provider-traits.ts";
import { sandbox } from "../sandbox.ts";
import { sandboxRecords, startSandbox } from "./sandbox-emulator.ts";

export const traits: ProviderTraits = {
  provider: sandbox,
  start: startSandbox,
  records: sandboxRecords,
  takes: [
    { amount: 1_999, currency: "USD" },
    { amount: 500, currency: "JPY" },
    { amount: 1_250, currency: "KWD" },
  ],
  refuses: null,
  webhooks: { proof: "signature", stale: true },
  can: ["takeAtOnce", "refund", "partialRefund", "createOnce", "process", "tooMuch", "feeOnTop"],
};
