/** Request headers that single routes care about, for the API docs. */
import type { RouteHeaders } from "../../broker/http/docs/openapi/headers.ts";

export const routeHeaders: RouteHeaders = {
  "cart.get": ["CartId"],
  "cart.setItem": ["CartId"],
  "cart.removeItem": ["CartId"],
  "cart.clear": ["CartId"],
  "users.login": ["CartId"],
  "orders.place": ["PreferWait"],
  "orders.pay": ["PreferWait"],
};
