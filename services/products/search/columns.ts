/** Columns that grow: numbers of many things, by the number of the thing. */

export type Column = Float64Array | Uint32Array | Uint8Array;

/** The column with room for one at `length`: itself, or a larger one with the same content. */
export function withRoom<T extends Column>(column: T, length: number, make: (size: number) => T): T {
  if (length < column.length) return column;
  const larger = make(Math.max(16, Math.ceil((length + 1) * 1.5)));
  larger.set(column);
  return larger;
}

export const floats = (size: number) => new Float64Array(size);
export const wholes = (size: number) => new Uint32Array(size);
export const bytes = (size: number) => new Uint8Array(size);
