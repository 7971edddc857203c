/** The texts of telephones: one line without marks of direction, which would need a longer encoding, cut to a length. */
import { cleanLine } from "../../../broker/contract/values/text.ts";

const ISOLATES = /[\u2066-\u2069]/g;

export function shortText(text: string, max: number): string {
  const line = cleanLine(text.replace(ISOLATES, "").toWellFormed());
  const points = Array.from(line.slice(0, 2 * max + 2));
  return points.length <= max ? points.join("") : `${points.slice(0, max - 1).join("")}…`;
}
