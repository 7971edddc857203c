/** A file that can't be read on: what follows could mean anything. */
export class RefusedFileError extends Error {
  override readonly name = "RefusedFileError";
  /** Line of the file, from 1. */
  readonly line: number;

  constructor(line: number, reason: string) {
    super(reason);
    this.line = line;
  }
}
