import Stripe from "stripe";
import {
  bytes,
  SECRET,
  type WebhookVerifier,
  webhook,
} from "../../../../../test/unit/linear-time/support/webhook-verifier.ts";
import { verify } from "../webhook.ts";

const stripe = new Stripe("sk_test_for_tests_only");
function received(body: Buffer, header?: string) {
  const signed = stripe.webhooks.generateTestHeaderString({ payload: body.toString(), secret: SECRET });
  return verify(stripe, [SECRET], webhook(body, { "stripe-signature": header ?? signed }), Date.now());
}

export const verifier: WebhookVerifier = {
  ofSignature: (it) => received(bytes("{}"), it),
  ofBody: (it) => received(bytes(it)),
  ofContent: (it) =>
    received(
      bytes({
        id: "evt_1",
        object: "event",
        type: "charge.refunded",
        created: 1,
        data: { object: { id: it, currency: it, metadata: { [it]: it }, payment_intent: { id: it } } },
      }),
    ),
};
