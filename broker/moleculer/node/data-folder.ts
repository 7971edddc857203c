/** DATA_DIR: what the shop keeps on this machine, for the user who runs it alone. */
import { join } from "node:path";
import { closeDataFolder } from "@souk/embedded-mongo";
import type { Config } from "../config.ts";

/** The folder of the embedded store. Makes DATA_DIR where it is missing, and closes it to others where it is there. */
export function storeFolder({ DATA_DIR }: Pick<Config, "DATA_DIR">): string {
  closeDataFolder(DATA_DIR);
  return join(DATA_DIR, "mongo");
}
