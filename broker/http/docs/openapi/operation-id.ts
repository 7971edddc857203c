import type { ApiRoute } from "../../api-route.ts";

/** `placeOrder` where the contract gives it, else `ordersPlace` for `orders.place`. */
export const operationIdOf = ({ action, contract }: ApiRoute): string =>
  contract.operationId ?? action.replaceAll(/\.(\w)/g, (_, first: string) => first.toUpperCase());
