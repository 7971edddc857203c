/** What Souk consists of. Another team's package has a list like this one, see broker/moleculer/extension.ts. */
import { isContract } from "../broker/contract/contract.ts";
import { extend, inFolders } from "../broker/moleculer/extension.ts";
import * as all from "./contracts.ts";

const contracts = Object.values<unknown>(all).filter(isContract);
const { services, migrations } = inFolders(import.meta.url, contracts);

export default extend({
  name: "souk",
  contracts,
  // The gateway has no contract: it offers those of all others.
  services: { ...services, api: () => import("./api/api.service.ts") },
  migrations,
});
