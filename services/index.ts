/** Which services there are, by name; a node loads only those that it runs. */
import type { ServiceSchema } from "moleculer";

type Loader = () => Promise<{ default: ServiceSchema }>;

const loaders: Record<string, Loader> = {
  users: () => import("./users/users.service.ts"),
  products: () => import("./products/products.service.ts"),
  inventory: () => import("./inventory/inventory.service.ts"),
  cart: () => import("./cart/cart.service.ts"),
  orders: () => import("./orders/orders.service.ts"),
  payments: () => import("./payments/payments.service.ts"),
  delivery: () => import("./delivery/delivery.service.ts"),
  api: () => import("./api/api.service.ts"),
};

export const serviceNames: readonly string[] = Object.keys(loaders);

/** Loads services by name, in the order in which they are best started. @throws on a name that is none of them */
export async function loadServices(names: readonly string[]): Promise<ServiceSchema[]> {
  const unknown = names.find((name) => !loaders[name]);
  if (unknown) throw new Error(`there is no service ${unknown}; there are ${serviceNames.join(", ")}`);
  const wanted = Object.entries(loaders).filter(([name]) => names.includes(name));
  return Promise.all(wanted.map(async ([, load]) => (await load()).default));
}
