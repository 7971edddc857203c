/** The REST gateway: every route of every contract, below `/api/v1`. */
import { followOrder } from "./follow-order.ts";
import { gatewayService } from "./gateway-service.ts";

export default gatewayService({
  streams: { "orders.events": followOrder },
  credentialActions: [
    "users.register",
    "users.login",
    "users.forgotPassword",
    "users.resetPassword",
    "users.bootstrap",
  ],
  sharedServices: ["products", "inventory"],
});
