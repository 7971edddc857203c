/** The parts of Souk. Another team's package has a similar list, see broker/moleculer/extension.ts. */
import { isContract } from "../broker/contract/contract.ts";
import { extend, inFolders } from "../broker/moleculer/extension.ts";
import * as all from "./contracts.ts";

const contracts = Object.values<unknown>(all).filter(isContract);
const { services, migrations } = inFolders(import.meta.url, contracts);

export default extend({
  name: "souk",
  contracts,
  // The gateway has no contract. It serves the routes of all others.
  services: { ...services, api: () => import("./api/api.service.ts") },
  migrations,
});
