/** All contracts: for the gateway's routes, the generated docs, and the whole RabbitMQ topology. */
import { cart } from "./cart/cart.contract.ts";
import { delivery } from "./delivery/delivery.contract.ts";
import { inventory } from "./inventory/inventory.contract.ts";
import { orders } from "./orders/orders.contract.ts";
import { payments } from "./payments/payments.contract.ts";
import { products } from "./products/products.contract.ts";
import { users } from "./users/users.contract.ts";

export const contracts = [users, products, inventory, cart, orders, payments, delivery] as const;
