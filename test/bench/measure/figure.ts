/** What a bench has measured, in a form that can be compared. */

export interface Figure {
  title: string;
  unit: string;
  /** Which change is the better one; null for what only explains others. */
  better: "more" | "less" | null;
  /** Null where it could not be counted. */
  value: number | null;
}

export const more = (title: string, unit: string, value: number | null): Figure => ({
  title,
  unit,
  better: "more",
  value,
});

export const less = (title: string, unit: string, value: number | null): Figure => ({
  title,
  unit,
  better: "less",
  value,
});

export const detail = (title: string, unit: string, value: number | null): Figure => ({
  title,
  unit,
  better: null,
  value,
});
