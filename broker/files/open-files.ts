/** The files of a node, by its variables. */
import { join } from "node:path";
import { ConfigError } from "../contract/variables.ts";
import { diskFiles } from "./disk-files.ts";
import type { Files } from "./files.ts";
import { s3Files } from "./s3-files.ts";

export interface FileSettings {
  FILES_DIR?: string | undefined;
  DATA_DIR: string;
  BUCKET_URL?: string | undefined;
  BUCKET_REGION: string;
  BUCKET_ACCESS_KEY?: string | undefined;
  BUCKET_SECRET_KEY?: string | undefined;
}

/**
 * Nothing is created or asked for before the first use.
 * @throws {ConfigError} for a bucket without its keys
 */
export function openFiles(settings: FileSettings): Files {
  const { FILES_DIR, DATA_DIR, BUCKET_URL: url, BUCKET_REGION: region } = settings;
  if (url === undefined) return diskFiles(FILES_DIR ?? join(DATA_DIR, "files"));
  const { BUCKET_ACCESS_KEY: accessKey, BUCKET_SECRET_KEY: secretKey } = settings;
  if (!accessKey) throw new ConfigError("BUCKET_ACCESS_KEY: must be set where BUCKET_URL is");
  if (!secretKey) throw new ConfigError("BUCKET_SECRET_KEY: must be set where BUCKET_URL is");
  return s3Files({ url, region, accessKey, secretKey });
}
