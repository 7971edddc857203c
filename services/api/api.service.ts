/** The REST gateway: every route of every contract, below `/api/v1`. */
import { gatewayService } from "./gateway-service.ts";

export default gatewayService();
