/** Failures: the problem document, its codes, and which of them an operation may answer with. */
import { z } from "zod";
import type { ActionContract } from "../../../contract/contract.ts";
import { type ErrorCode, errorEntry } from "../../../contract/errors.ts";
import type { ApiRoute } from "../../api-route.ts";
import { PROBLEM_TYPE } from "../../problem.ts";
import { type Components, typeName } from "../components.ts";
import { fieldsOf, type JsonSchema } from "../json-schema.ts";

const fieldError = z
  .object({ field: z.string(), message: z.string() })
  .meta({ id: "FieldError", description: "A field of a request that does not fit, and why" });

/** Open: single codes have members of their own. */
const problemSchema = (codes: readonly string[]) =>
  z
    .looseObject({
      type: z.string().meta({ format: "uri-reference", description: "Leads to what the code means" }),
      title: z.string(),
      status: z.int(),
      detail: z.string().meta({ description: "What is wrong with this request" }),
      code: z.enum(codes).meta({ id: "ErrorCode", description: "Stable, for programs to decide by" }),
      traceId: z
        .string()
        .regex(/^[0-9a-f]{32}$/)
        .meta({ description: "Finds the request in the logs" }),
      instance: z.string().meta({ format: "uri-reference", description: "Path of the request" }),
      errors: z.array(fieldError).optional(),
    })
    .meta({ id: "Problem", description: "RFC 9457 problem document" });

/**
 * Responses of a route's failures, by status.
 * @param all every code that there is
 */
export function failures(
  route: ApiRoute,
  components: Components,
  all: readonly string[],
): Record<string, JsonSchema> {
  const byStatus = new Map<number, Set<ErrorCode>>();
  for (const code of codesOf(route)) {
    const { status } = errorEntry(code);
    byStatus.set(status, (byStatus.get(status) ?? new Set()).add(code));
  }
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => [
      String(status),
      {
        description: [...codes].join(", "),
        content: { [PROBLEM_TYPE]: { schema: problemOf(route.contract, [...codes], components, all) } },
      },
    ]),
  );
}

/** One of the usual form, or of one of the forms that the contract gives for single codes. */
function problemOf(
  { problems = {} }: ActionContract,
  codes: readonly ErrorCode[],
  components: Components,
  all: readonly string[],
) {
  const usual = components.schema(problemSchema(all), "output");
  const special = codes.flatMap((code) => {
    const members = problems[code];
    if (!members) return [];
    const { properties, required } = fieldsOf(code, components.schema(members, "output"));
    const own = {
      type: "object",
      properties: { code: { type: "string", const: code }, ...properties },
      required: ["code", ...required],
    };
    return [components.add(`${typeName(code.toLowerCase())}Problem`, { allOf: [usual, own] })];
  });
  return special.length === 0 ? usual : { anyOf: [...special, usual] };
}

/** Codes of the contract, and those that the gateway itself answers with on such a route. */
function codesOf({ action, contract, auth, takesBody, method }: ApiRoute): ErrorCode[] {
  const errors: readonly string[] = contract.errors ?? [];
  for (const code of Object.keys(contract.problems ?? {}))
    if (!errors.includes(code)) throw new Error(`${action}: ${code} is not among its errors`);
  return [
    ...(contract.errors ?? []),
    "VALIDATION_FAILED",
    // A token that is presented must be good, on public routes too.
    ...(contract.body === "raw" ? [] : (["UNAUTHENTICATED"] as const)),
    ...(auth === "staff" || auth === "admin" ? (["FORBIDDEN"] as const) : []),
    ...(contract.idempotent === "required" ? (["IDEMPOTENCY_KEY_MISSING"] as const) : []),
    ...(contract.idempotent
      ? (["IDEMPOTENCY_KEY_INVALID", "IDEMPOTENCY_KEY_REUSED", "IDEMPOTENCY_IN_PROGRESS"] as const)
      : []),
    ...(contract.etag && method !== "GET" && method !== "POST" ? (["VERSION_MISMATCH"] as const) : []),
    ...(takesBody ? (["MALFORMED_BODY", "BODY_TOO_LARGE", "UNSUPPORTED_MEDIA_TYPE"] as const) : []),
    "NOT_ACCEPTABLE",
    "RATE_LIMITED",
    "OVERLOADED",
    "UNAVAILABLE",
    "INTERNAL",
  ];
}
