/** Who may export what: a route needs one scope, and the data's own area another one. */
import { type CallMeta, may } from "../../../broker/contract/call-meta.ts";
import { SoukError } from "../../../broker/contract/errors.ts";
import { areaOf, type ExportFile } from "../imports.schemas.ts";

/** @throws {SoukError} FORBIDDEN */
export function checkArea(file: ExportFile, user: CallMeta["user"]): void {
  const scope = `${areaOf(file)}:read` as const;
  if (!may(user, scope)) throw new SoukError("FORBIDDEN", `The scope ${scope} is needed, too.`);
}
