import type { Collection } from "mongodb";
import { newId } from "../../../../../broker/contract/ids.ts";
import { systemClock } from "../../../../../broker/resilience/clock.ts";
import { standIn } from "../../../../../test/support/stand-in.ts";
import {
  bytes,
  SECRET,
  type WebhookVerifier,
  webhook,
} from "../../../../../test/unit/linear-time/support/webhook-verifier.ts";
import { receiveCallback } from "../callback.ts";
import { callbackKey } from "../callback-key.ts";
import type { Push } from "../push.model.ts";

const about = { paymentId: newId(), refundId: null };
function received(body: Buffer, key = callbackKey(SECRET, about)) {
  const pushes = standIn<Collection<Push>>({ findOneAndUpdate: async () => null });
  const receiver = { pushes, clock: systemClock, callbackSecret: SECRET, allowed: undefined };
  return receiveCallback(receiver, webhook(body, {}, key));
}

export const verifier: WebhookVerifier = {
  ofSignature: (it) => received(bytes("{}"), it),
  ofBody: (it) => received(bytes(it)),
  ofContent: (it) => {
    const items = ["Amount", "MpesaReceiptNumber", "TransactionDate"];
    const metadata = { Item: items.map((Name) => ({ Name, Value: it })) };
    return received(
      bytes({
        Body: {
          stkCallback: {
            CheckoutRequestID: "1",
            ResultCode: "0",
            ResultDesc: it,
            CallbackMetadata: metadata,
          },
        },
      }),
    );
  },
};
