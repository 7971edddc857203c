/** Sizes that decide how things are stored and read, most of them in bytes. Tests set lower ones. */
export interface Sizes {
  /** Documents of this size or more are examined for objects to store separately. */
  readonly document: number;
  /** A document below this size is stored whole again. */
  readonly joined: number;
  /** Objects of this size or more are stored separately. */
  readonly object: number;
  /** Size of the fields in one row. More than about 2,000 would need overflow pages. */
  readonly row: number;
  /** Keys that an index build keeps in memory and sorts at once, including the overhead of each. */
  readonly sorted: number;
  /** Documents that are counted in one step, which takes half a millisecond. */
  readonly counted: number;
}

export const defaultSizes: Sizes = {
  document: 65_536,
  joined: 32_768,
  object: 16_384,
  row: 1_800,
  sorted: 64 * 1024 * 1024,
  counted: 5000,
};
