/** Checks requests strictly. A failure names the fields. */
import type { z } from "zod";
import type { ActionContract } from "./contract.ts";
import { type FieldError, SoukError } from "./errors.ts";
import { type DeclaredFields, fieldIssues } from "./fields.ts";
import { IN_SENTENCES } from "./sentences.ts";

const MAX_ERRORS = 20;

/** One entry per field, by its dotted path. Unknown keys are also fields. */
function fieldErrors(issue: z.core.$ZodIssue): FieldError[] {
  const at = issue.path.map(String);
  if (issue.code === "unrecognized_keys")
    return issue.keys.map((key) => ({ field: [...at, key].join("."), message: "is not known here" }));
  const meant = issue.code === "invalid_union" ? alternativeMeant(issue) : undefined;
  if (meant) return meant.flatMap((it) => fieldErrors({ ...it, path: [...issue.path, ...it.path] }));
  return [{ field: at.join("."), message: issue.message }];
}

/** What is wrong with the only alternative that is of the value's kind; undefined where there are several, or none. */
function alternativeMeant({ errors }: z.core.$ZodIssueInvalidUnion): readonly z.core.$ZodIssue[] | undefined {
  const [only, ...others] = errors.filter(
    (it) => !it.some(({ code, path }) => code === "invalid_type" && path.length === 0),
  );
  return others.length === 0 ? only : undefined;
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
