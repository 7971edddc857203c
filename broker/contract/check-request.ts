/** Checks requests strictly. A failure names the fields. */
import type { z } from "zod";
import type { ActionContract } from "./contract.ts";
import { type FieldError, SoukError } from "./errors.ts";
import { type DeclaredFields, fieldIssues } from "./fields.ts";
import { IN_SENTENCES } from "./sentences.ts";

const MAX_ERRORS = 20;

/** One entry per field, by its dotted path. Unknown keys are also fields. */
function fieldErrors({ code, path, message, ...issue }: z.core.$ZodIssue): FieldError[] {
  const at = path.map(String);
  if (code === "unrecognized_keys" && "keys" in issue)
    return issue.keys.map((key) => ({ field: [...at, key].join("."), message: "is not known here" }));
  return [{ field: at.join("."), message }];
}

/** @returns the failure that names the wrong fields, at most 20 of them */
export function validationFailure({ issues }: Pick<z.ZodError, "issues">): SoukError {
  const errors = issues.flatMap(fieldErrors).slice(0, MAX_ERRORS);
  const first = errors[0];
  const detail = first && `${first.field || "body"}: ${first.message}`;
  return new SoukError("VALIDATION_FAILED", detail, { errors });
}

/**
 * Checks a client's request strictly. It does not convert the request: the node that runs the action does, and may
 * have another version.
 * @param declared fields of the shop's extensions
 * @throws {SoukError} VALIDATION_FAILED
 */
export function checkRequest(
  { params }: ActionContract,
  given: Readonly<Record<string, unknown>>,
  declared: DeclaredFields,
): void {
  const checked = params.safeParse(given, IN_SENTENCES);
  if (!checked.success) throw validationFailure(checked.error);
  const issues = fieldIssues(params, given, declared);
  if (issues.length > 0) throw validationFailure({ issues });
}
