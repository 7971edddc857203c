/** The package's `souk/contracts`: contracts of Souk's own services, with their schemas. */
export * from "../services/cart/cart.contract.ts";
export * from "../services/delivery/delivery.contract.ts";
export * from "../services/inventory/inventory.contract.ts";
export * from "../services/orders/orders.contract.ts";
export * from "../services/payments/payments.contract.ts";
export * from "../services/products/products.contract.ts";
export * from "../services/users/users.contract.ts";
