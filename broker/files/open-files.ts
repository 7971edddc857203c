/** The files of a node, by its variables. */
import { join } from "node:path";
import { diskFiles } from "./disk-files.ts";
import type { Files } from "./files.ts";

export interface FileSettings {
  FILES_DIR?: string | undefined;
  DATA_DIR: string;
}

/** Nothing is created or asked for before the first use. */
export const openFiles = ({ FILES_DIR, DATA_DIR }: FileSettings): Files =>
  diskFiles(FILES_DIR ?? join(DATA_DIR, "files"));
