/** The outcomes of calls to providers and of webhooks. */

export type ProviderCall = "open" | "check" | "capture" | "cancel" | "refund";

/** The outcome of a call. Only `done` and `refused` say what the provider did. */
export type CallOutcome<T> =
  | { readonly kind: "done"; readonly value: T }
  | { readonly kind: "refused"; readonly reason: string }
  | { readonly kind: "misconfigured"; readonly reason: string }
  | { readonly kind: "unknown"; readonly reason: string };

export type WebhookOutcome = "accepted" | "repeated" | "rejected";
