/** DATA_DIR: what the shop stores on this machine. Only its own user may read it. */
import { join } from "node:path";
import { closeDataFolder } from "@souk/embedded-mongo";
import type { Config } from "../config.ts";

/** The folder of the embedded store. Creates DATA_DIR, or restricts an existing one to its user. */
export function storeFolder({ DATA_DIR }: Pick<Config, "DATA_DIR">): string {
  closeDataFolder(DATA_DIR);
  return join(DATA_DIR, "mongo");
}
