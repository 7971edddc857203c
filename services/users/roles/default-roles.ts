/** Roles of a new shop. Admins may change all of them but `admin`, which is no set of scopes: it may everything. */
import type { Scope } from "../../../broker/contract/contract.ts";

export const ADMIN = "admin";

export const DEFAULT_ROLES: Readonly<
  Record<string, { readonly description: string; readonly scopes: readonly Scope[] }>
> = {
  support: {
    description: "Answers customers: orders, returns and reviews",
    scopes: [
      "customers:read",
      "customers:write",
      "deliveries:read",
      "notifications:read",
      "notifications:write",
      "orders:read",
      "orders:write",
      "payments:read",
      "returns:read",
      "returns:write",
      "reviews:read",
      "reviews:write",
      "stock:read",
    ],
  },
  warehouse: {
    description: "Keeps the stock, ships, and takes returns in",
    scopes: [
      "catalogue:read",
      "deliveries:read",
      "deliveries:write",
      "orders:read",
      "returns:read",
      "returns:write",
      "stock:read",
      "stock:write",
    ],
  },
  finance: {
    description: "Payments, refunds, invoices and reports",
    scopes: [
      "audit:read",
      "customers:read",
      "orders:read",
      "payments:read",
      "payments:write",
      "reports:read",
      "returns:read",
    ],
  },
};
