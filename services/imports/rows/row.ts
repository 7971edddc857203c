/** What records of a file are made into, for the service that writes them. */
import type { z } from "zod";
import type { LineError, Position } from "../imports.schemas.ts";

/** One product or stock item of a file. */
export interface Row<T> {
  /** Where it begins. */
  line: number;
  /** Behind it. */
  end: Position;
  /** Undefined where it can't be imported. */
  value: T | undefined;
  errors: LineError[];
  /** Where a field of it stands, for errors that are found later. */
  placeOf(field: string): Pick<LineError, "line" | "column" | "field">;
}

/** Numbers in cells. Others stay text, and are refused with the name of the field. */
export const numberOr = (cell: string): number | string => (/^-?\d{1,15}$/.test(cell) ? Number(cell) : cell);

export const booleanOr = (cell: string): boolean | string => {
  const known: Readonly<Record<string, boolean>> = { true: true, false: false, yes: true, no: false };
  return known[cell.toLowerCase()] ?? cell;
};

const MAX_SHOWN = 20;

/** @param placeOf where a field stands, by its dotted path */
export const errorsOf = (
  issues: readonly z.core.$ZodIssue[],
  placeOf: Row<unknown>["placeOf"],
): LineError[] =>
  issues.slice(0, MAX_SHOWN).map((issue) => ({
    ...placeOf([...issue.path, ...(issue.code === "unrecognized_keys" ? issue.keys : [])].join(".")),
    message: issue.code === "unrecognized_keys" ? "is not known here" : issue.message,
  }));
