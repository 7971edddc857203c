/**
 * All contracts with their schemas, one line per service. The service and its migrations are found in the contract's folder.
 */
export * from "./audit/audit.contract.ts";
export * from "./cart/cart.contract.ts";
export * from "./delivery/delivery.contract.ts";
export * from "./imports/imports.contract.ts";
export * from "./inventory/inventory.contract.ts";
export * from "./notifications/notifications.contract.ts";
export * from "./orders/orders.contract.ts";
export * from "./payments/payments.contract.ts";
export * from "./products/products.contract.ts";
export * from "./reports/reports.contract.ts";
export * from "./returns/returns.contract.ts";
export * from "./reviews/reviews.contract.ts";
export * from "./users/users.contract.ts";
export * from "./webhooks/webhooks.contract.ts";
