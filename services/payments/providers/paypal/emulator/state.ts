/** PayPal's accounts in an emulator: its objects in the API's form. */

export interface Amount {
  currency_code: string;
  value: string;
}

export interface Link {
  href: string;
  rel: string;
  method: string;
}

export interface Order {
  id: string;
  intent: "CAPTURE" | "AUTHORIZE";
  status: "CREATED" | "PAYER_ACTION_REQUIRED" | "APPROVED" | "VOIDED" | "COMPLETED";
  create_time: string;
  amount: Amount;
  custom_id?: string | undefined;
  invoice_id?: string | undefined;
  description?: string | undefined;
  /** The payer's, as the merchant has named it. */
  email?: string | undefined;
  return_url?: string | undefined;
  cancel_url?: string | undefined;
  /** Whether the customer's bank accepts the capture. */
  bank: "accepts" | "declines" | "is slow";
}

export interface Capture {
  id: string;
  status: "COMPLETED" | "DECLINED" | "PARTIALLY_REFUNDED" | "PENDING" | "REFUNDED" | "REVERSED" | "FAILED";
  amount: Amount;
  final_capture: true;
  custom_id?: string | undefined;
  invoice_id?: string | undefined;
  status_details?: { reason: string };
  supplementary_data: { related_ids: { order_id: string; authorization_id?: string } };
  create_time: string;
  update_time: string;
  links: Link[];
}

export interface Authorization {
  id: string;
  status: "CREATED" | "CAPTURED" | "DENIED" | "PARTIALLY_CAPTURED" | "VOIDED" | "PENDING";
  amount: Amount;
  custom_id?: string | undefined;
  invoice_id?: string | undefined;
  supplementary_data: { related_ids: { order_id: string } };
  create_time: string;
  links: Link[];
}

export interface Refund {
  id: string;
  status: "COMPLETED" | "PENDING" | "FAILED" | "CANCELLED";
  amount: Amount;
  custom_id?: string | undefined;
  note_to_payer?: string | undefined;
  status_details?: { reason: string };
  create_time: string;
  links: Link[];
}

export interface Dispute {
  dispute_id: string;
  create_time: string;
  reason: string;
  status: "OPEN";
  dispute_amount: Amount;
  disputed_transactions: {
    seller_transaction_id: string;
    custom?: string | undefined;
    invoice_number?: string | undefined;
  }[];
}

export interface ProviderRecords {
  readonly orders: Map<string, Order>;
  readonly captures: Map<string, Capture>;
  readonly authorizations: Map<string, Authorization>;
  readonly refunds: Map<string, Refund & { readonly captureId: string }>;
  readonly disputes: Map<string, Dispute>;
}

export const emptyRecords = (): ProviderRecords => ({
  orders: new Map(),
  captures: new Map(),
  authorizations: new Map(),
  refunds: new Map(),
  disputes: new Map(),
});
