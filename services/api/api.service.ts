/** The REST gateway: every route of every contract, below `/api/v1`. */
import { contracts } from "../contracts.ts";
import { followOrder } from "./follow-order.ts";
import { gatewayService } from "./gateway-service.ts";
import { routeHeaders } from "./route-headers.ts";

export default gatewayService({
  contracts,
  streams: { "orders.events": followOrder },
  credentialActions: [
    "users.register",
    "users.login",
    "users.forgotPassword",
    "users.resetPassword",
    "users.bootstrap",
  ],
  sharedServices: ["products", "inventory"],
  routeHeaders,
});
