import {
  bytes,
  SECRET,
  type WebhookVerifier,
} from "../../../../../test/unit/linear-time/support/webhook-verifier.ts";
import { sign, verify } from "../signature.ts";
import { parseWebhook } from "../webhook-body.ts";

function received(body: Buffer, header = sign(SECRET, body, Date.now())) {
  verify(SECRET, body, header, Date.now());
  return parseWebhook(body);
}

export const verifier: WebhookVerifier = {
  ofSignature: (it) => received(bytes("{}"), it),
  ofBody: (it) => received(bytes(it)),
  ofContent: (it) =>
    received(
      bytes({
        id: it,
        type: it,
        createdAt: it,
        data: { ref: it, reference: it, amount: { value: 1, currency: it }, receipt: it, reason: it },
      }),
    ),
};
