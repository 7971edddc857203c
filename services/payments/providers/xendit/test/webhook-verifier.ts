import {
  bytes,
  SECRET,
  type WebhookVerifier,
  WHEN,
  webhook,
} from "../../../../../test/unit/linear-time/support/webhook-verifier.ts";
import { verifyCallback } from "../webhook.ts";

const received = (body: Buffer, token = SECRET) =>
  verifyCallback(SECRET, webhook(body, { "x-callback-token": token }));

export const verifier: WebhookVerifier = {
  ofSignature: (it) => received(bytes("{}"), it),
  ofBody: (it) => received(bytes(it)),
  ofContent: (it) => {
    received(bytes({ event: it, data: {} }));
    const times = { created: WHEN, updated: it, paid_at: it };
    return received(bytes({ id: it, external_id: it, status: it, amount: 1, currency: it, ...times }));
  },
};
