/** All contracts, one line for each service: the service and its migrations are found in the contract's folder. */
export { cart } from "./cart/cart.contract.ts";
export { delivery } from "./delivery/delivery.contract.ts";
export { inventory } from "./inventory/inventory.contract.ts";
export { orders } from "./orders/orders.contract.ts";
export { payments } from "./payments/payments.contract.ts";
export { products } from "./products/products.contract.ts";
export { users } from "./users/users.contract.ts";
