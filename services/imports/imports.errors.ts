/** Error codes of imports. */
import { type CodesOf, defineErrors } from "../../broker/contract/errors.ts";

export const importsErrors = defineErrors({
  IMPORT_FILE_REFUSED: { status: 422, title: "The file can't be imported." },
  IMPORT_ENDED: { status: 409, title: "The import has ended." },
});

declare module "../../broker/contract/errors.ts" {
  interface ErrorCodes extends CodesOf<typeof importsErrors> {}
}
