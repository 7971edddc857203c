/** Webhooks as received: verified and not interpreted. The id detects repeats. */
import { Schema } from "mongoose";
import type { OutboxDocument } from "../../../broker/mongo/document-outbox.ts";
import { defineModel } from "../../../broker/mongo/model.ts";

export interface StoredWebhook extends OutboxDocument {
  /** `<provider>:<event id>` */
  _id: string;
  provider: string;
  providerRef: string;
  /** Raw body, as verified. */
  body: Buffer;
  receivedAt: Date;
}

/** Longer than any provider repeats an event. */
export const KEEP_WEBHOOKS_S = 90 * 86_400;

const schema = new Schema<StoredWebhook>(
  {
    _id: { type: String, required: true },
    provider: { type: String, required: true },
    providerRef: { type: String, required: true },
    body: { type: Buffer, required: true },
    receivedAt: { type: Date, required: true },
    outbox: { type: [Schema.Types.Mixed], default: undefined },
  },
  { versionKey: false },
);

export const webhookInboxModel = defineModel<StoredWebhook>("webhook_inbox", schema);
