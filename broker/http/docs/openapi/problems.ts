/** Failures: the problem document, its codes, and those that an operation may answer with. */
import type { ActionContract } from "../../../contract/contract.ts";
import { type ErrorCode, errorEntry } from "../../../contract/errors.ts";
import { API_BASE, type ApiRoute } from "../../api-route.ts";
import { PROBLEM_TYPE } from "../../problem.ts";
import { exampleOf } from "../example.ts";
import { fieldsOf, type JsonSchema } from "../json-schema.ts";
import { typeName } from "../schemas.ts";
import type { Components } from "./components.ts";
import { type ReplyHeader, replyHeaders } from "./headers.ts";

/** Error responses of a route, by status. */
export function failures(route: ApiRoute, components: Components): Record<string, JsonSchema> {
  const byStatus = Map.groupBy(new Set(codesOf(route)), (code) => errorEntry(code).status);
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => [String(status), failure(status, codes, route, components)]),
  );
}

/** An answer of many routes is described once. */
const MOST_SHARED = 2;

function failure(
  status: number,
  codes: readonly ErrorCode[],
  route: ApiRoute,
  components: Components,
): JsonSchema {
  const examples = codes.map((code) => [
    code,
    components.examples.add(code, problemExample(code, route, components)),
  ]);
  const { idempotent, errors, problems } = route.contract;
  // A refusal by the action is kept for its key, as an answer is.
  const isReplayed = idempotent !== undefined && codes.some((code) => errors?.includes(code));
  const names = [...(HEADERS[status] ?? []), ...(isReplayed ? (["Idempotent-Replayed"] as const) : [])];
  const response = {
    description: codes
      .map((code) => `${codes.length > 1 ? "- " : ""}\`${code}\`: ${errorEntry(code).title}`)
      .join("\n"),
    headers: replyHeaders(names, components),
    content: {
      [PROBLEM_TYPE]: {
        schema: problemOf(route.contract, codes, components),
        examples: Object.fromEntries(examples),
      },
    },
  };
  const isOwn = isReplayed || codes.length > MOST_SHARED || codes.some((code) => problems?.[code]);
  return isOwn ? response : components.responses.add(codes.map(typeName).join("Or"), response);
}

const HEADERS: Readonly<Record<number, readonly ReplyHeader[]>> = {
  401: ["WWW-Authenticate"],
  429: ["Retry-After"],
  503: ["Retry-After"],
};

/** The usual form, or one of the forms that the contract gives for single codes. */
function problemOf(
  contract: ActionContract,
  codes: readonly ErrorCode[],
  components: Components,
): JsonSchema {
  const special = codes.flatMap((code) => specialForm(contract, code, components));
  return special.length === 0 ? components.problem : { anyOf: [...special, components.problem] };
}

function specialForm(
  { problems = {} }: ActionContract,
  code: ErrorCode,
  { schemas, problem }: Components,
): JsonSchema[] {
  const members = problems[code];
  if (!members) return [];
  const { properties, required } = fieldsOf(code, schemas.of(members, "output"));
  const own = {
    type: "object",
    properties: { code: { type: "string", const: code }, ...properties },
    required: ["code", ...required],
  };
  const description = errorEntry(code).title;
  return [schemas.add(`${typeName(code)}Problem`, { description, allOf: [problem, own] })];
}

/** An example from the first route that may answer so. An existing example stays. */
function problemExample(code: ErrorCode, route: ApiRoute, components: Components): JsonSchema {
  const known = components.examples.get(code);
  if (known) return known;
  const { status, title } = errorEntry(code);
  const members = route.contract.problems?.[code];
  return {
    value: {
      ...(members ? (exampleOf(components.schemas.of(members, "output"), components.schemas) as object) : {}),
      type: `/docs/errors#${code}`,
      title,
      status,
      detail: code === "VALIDATION_FAILED" ? "quantity: must be at least 1" : title,
      code,
      traceId: "0af7651916cd43dd8448eb211c80319c",
      instance: API_BASE + examplePath(route, components),
      ...(code === "VALIDATION_FAILED"
        ? { errors: [{ field: "quantity", message: "must be at least 1" }] }
        : {}),
    },
  };
}

function examplePath({ action, pattern, contract }: ApiRoute, { schemas }: Components): string {
  const { properties } = fieldsOf(action, schemas.resolve(schemas.of(contract.params, "input")));
  return pattern.replaceAll(/:([^/]+)/g, (_, name: string) =>
    String(exampleOf(properties[name] ?? {}, schemas)),
  );
}

/** Codes of the contract, and codes with which the gateway itself answers on such a route. */
function codesOf({ action, contract, auth, takesBody, method }: ApiRoute): ErrorCode[] {
  const errors: readonly string[] = contract.errors ?? [];
  for (const code of Object.keys(contract.problems ?? {}))
    if (!errors.includes(code)) throw new Error(`${action}: ${code} is not among its errors`);
  return [
    ...(contract.errors ?? []),
    "VALIDATION_FAILED",
    // A token must be valid if one is sent, also on public routes.
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
