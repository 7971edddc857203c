/** The gateway's routes, derived from the contracts. */
import { z } from "zod";
import type { ActionContract, Audience, ServiceContract } from "../contract/contract.ts";

export const API_BASE = "/api/v1";

export interface ApiRoute {
  /** Full name of the action, for example `orders.place`. */
  readonly action: string;
  readonly method: string;
  /** Path below {@link API_BASE}, for example `/orders/:id`. */
  readonly pattern: string;
  readonly contract: ActionContract;
  readonly auth: Audience;
  readonly status: number;
  /** Media type of a success. */
  readonly produces: string;
  /** Parameters come from the body. Otherwise they come from the query. */
  readonly takesBody: boolean;
  /** An HTML page of the same path may post a form here. */
  readonly takesForm: boolean;
  /** A read with the same answer for everybody, so shared caches may store it. */
  readonly shared: boolean;
  /** Parameters that must not be logged. Their schema's `meta` has the format `password`. */
  readonly secretParams: ReadonlySet<string>;
  /** Parameters of the query that are records: `options.Colour=brass` is `{ options: { Colour: "brass" } }`. */
  readonly recordParams: ReadonlySet<string>;
  /** Where a created resource can be read: `/orders/:id` for `POST /orders`. */
  readonly createsAt?: { prefix: string; field: string };
}

const BODY_METHODS = new Set(["POST", "PUT", "PATCH"]);

/**
 * @throws when two actions declare one route, or a route lacks `auth`
 */
export function apiRoutes(contracts: readonly ServiceContract[]): ApiRoute[] {
  const declared = contracts.flatMap(({ service, actions }) =>
    Object.entries(actions).flatMap(([name, contract]) =>
      contract.rest === undefined
        ? []
        : [{ action: `${service}.${name}`, contract, ...parts(contract.rest) }],
    ),
  );
  const taken = new Set<string>();
  return declared.map(({ action, contract, method, pattern }) => {
    if (!contract.auth) throw new Error(`${action} has a route but does not declare who may call it (auth)`);
    const shape = `${method} ${pattern.replaceAll(/:[^/]+/g, ":")}`;
    if (taken.has(shape)) throw new Error(`${action}: the route ${method} ${pattern} is taken`);
    taken.add(shape);
    const page = declared.find((it) => it.method === "GET" && it.pattern === pattern);
    const status = contract.status ?? (isVoid(contract) ? 204 : 200);
    const createsAt = method === "POST" && status === 201 ? readableAt(pattern, declared) : undefined;
    return {
      action,
      method,
      pattern,
      contract,
      auth: contract.auth,
      status,
      produces: contract.produces ?? "application/json",
      takesBody: BODY_METHODS.has(method),
      shared: contract.shared ?? false,
      secretParams: secretParams(contract),
      recordParams: BODY_METHODS.has(method) ? new Set() : recordParams(contract),
      takesForm: page?.contract.produces === "text/html",
      ...(createsAt ? { createsAt } : {}),
    };
  });
}

function parts(rest: string): { method: string; pattern: string } {
  const [method = "", pattern = ""] = rest.split(" ");
  return { method, pattern };
}

function secretParams({ params }: ActionContract): Set<string> {
  if (!(params instanceof z.ZodObject)) return new Set();
  const fields = Object.entries<z.ZodType>(params.shape);
  return new Set(fields.filter(([, schema]) => schema.meta()?.format === "password").map(([name]) => name));
}

function recordParams({ params }: ActionContract): Set<string> {
  if (!(params instanceof z.ZodObject)) return new Set();
  const fields = Object.entries<z.ZodType>(params.shape);
  return new Set(fields.filter(([, schema]) => isRecord(schema)).map(([name]) => name));
}

const isRecord = (schema: unknown): boolean =>
  schema instanceof z.ZodOptional ? isRecord(schema.unwrap()) : schema instanceof z.ZodRecord;

function readableAt(pattern: string, declared: readonly { method: string; pattern: string }[]) {
  const reader = declared.find(
    (it) =>
      it.method === "GET" &&
      it.pattern.startsWith(`${pattern}/:`) &&
      !it.pattern.slice(pattern.length + 2).includes("/"),
  );
  return reader && { prefix: `${pattern}/`, field: reader.pattern.slice(pattern.length + 2) };
}

export const isVoid = (contract: ActionContract): boolean => contract.returns.type === "void";
