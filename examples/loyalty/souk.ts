/** What this package adds to a shop: `EXTENSIONS=./loyalty/souk.ts`. */
import { extend, line, printedAs, z } from "souk";
import { loyalty } from "./loyalty.contract.ts";
import { credit } from "./providers/credit.ts";

export default extend({
  name: "loyalty",
  contracts: [loyalty],
  services: { loyalty: () => import("./loyalty.service.ts") },
  migrations: { loyalty: [new URL("./migrations/", import.meta.url)] },
  providers: [credit],
  fields: { order: z.object({ giftNote: printedAs("Gift note", line(200)).optional() }) },
});
