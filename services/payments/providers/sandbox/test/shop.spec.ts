import { providerConformance } from "../../../../../test/support/provider-conformance.ts";
import { sandboxBooks, startSandbox } from "./sandbox-emulator.ts";

providerConformance({
  name: "sandbox",
  start: startSandbox,
  books: sandboxBooks,
  takes: [
    { amount: 1_999, currency: "USD" },
    { amount: 500, currency: "JPY" },
    { amount: 1_250, currency: "KWD" },
  ],
  refuses: null,
  webhooks: { proof: "signature", stale: true },
  can: ["takeAtOnce", "refund", "partialRefund", "createOnce", "tooMuch"],
});
