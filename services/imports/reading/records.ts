/** Records of a file from one position on, in either format. */
import type { Position } from "../imports.schemas.ts";

export interface FileRecord {
  /** Line where it begins, from 1. */
  line: number;
  /** Behind it. */
  end: Position;
  /** Cells of a CSV record. */
  cells?: readonly string[];
  /** A line of JSONL. */
  text?: string;
}

/** More bytes in one record are refused. A description of the longest kind needs 40,000. */
export const MAX_RECORD = 256 * 1024;
