import {
  bytes,
  SECRET,
  type WebhookVerifier,
} from "../../../../../test/unit/linear-time/support/webhook-verifier.ts";
import { signature, verifyNotification } from "../notification.ts";

export const verifier: WebhookVerifier = {
  ofSignature: (it) =>
    verifyNotification(
      SECRET,
      bytes({ order_id: "1", status_code: "200", gross_amount: "1.00", signature_key: it }),
    ),
  ofBody: (it) => verifyNotification(SECRET, bytes(it)),
  ofContent: (it) => {
    const claim = { order_id: "1", status_code: "200", gross_amount: "1.00" };
    const more = { transaction_id: it, transaction_status: it, currency: it, transaction_time: it };
    const refunds = [{ refund_amount: it, refund_key: it, reason: it }];
    return verifyNotification(
      SECRET,
      bytes({ ...claim, ...more, refunds, signature_key: signature(claim, SECRET) }),
    );
  },
};
