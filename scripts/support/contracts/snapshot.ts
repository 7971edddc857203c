/**
 * What others rely on, as JSON: messages, actions with their routes, who receives what, and the stored states of actors. Of
 * the last release it is kept in docs/contracts.json, which `compare.ts` holds against the present one. Of refinements
 * it has what they check, in words.
 */
import { z } from "zod";
import { addConditions } from "../../../broker/contract/conditions.ts";
import type { MessageContract } from "../../../broker/contract/contract.ts";
import { version } from "../../../broker/http/docs/version.ts";
import core from "../../../services/index.ts";
import { actorStates } from "./actor-states.ts";

export type Schema = { readonly [key: string]: unknown };

/** `sent` where it differs from what is accepted, for example by defaults. */
export interface Shape {
  readonly taken: Schema;
  readonly sent?: Schema;
}

export interface Snapshot {
  readonly version: string;
  readonly messages: Record<
    string,
    { kind: string; subject: string; data: Shape; formerly?: readonly string[] }
  >;
  readonly actions: Record<string, ActionSnapshot>;
  /** Mailboxes of actors and queues of workers. */
  readonly receivers: Record<string, { receives: readonly string[]; partitions?: number }>;
  readonly states: Record<string, Shape>;
}

export interface ActionSnapshot {
  readonly rest?: string;
  readonly auth?: string;
  readonly status?: number;
  readonly idempotent?: string;
  readonly body?: string;
  readonly produces?: string;
  readonly params: Schema;
  readonly returns: Schema;
}

export async function contractSnapshot(): Promise<Snapshot> {
  const snapshot: Snapshot = { version, messages: {}, actions: {}, receivers: {}, states: {} };
  for (const { service, messages, actions, actors, workers } of core.contracts) {
    for (const [type, { kind, subject, data, formerly }] of Object.entries<Declared>(messages))
      snapshot.messages[type] = { kind, subject, data: shapeOf(data), ...(formerly && { formerly }) };
    for (const [name, action] of Object.entries<DeclaredAction>(actions))
      snapshot.actions[`${service}.${name}`] = actionOf(action);
    for (const [actor, { receives, partitions }] of Object.entries<Receiver>(actors))
      snapshot.receivers[actor] = { receives, ...(partitions === undefined ? {} : { partitions }) };
    for (const [worker, { receives }] of Object.entries<Receiver>(workers))
      snapshot.receivers[`${service}.${worker}`] = { receives };
  }
  for (const [actor, schema] of Object.entries(await actorStates())) snapshot.states[actor] = shapeOf(schema);
  return snapshot;
}

type Declared = Pick<MessageContract, "kind" | "subject" | "data" | "formerly">;
type DeclaredAction = Omit<ActionSnapshot, "params" | "returns"> & { params: z.ZodType; returns: z.ZodType };
type Receiver = { receives: readonly string[]; partitions?: number };

function actionOf({ rest, auth, status, idempotent, body, produces, params, returns }: DeclaredAction) {
  return JSON.parse(
    JSON.stringify({
      ...{ rest, auth, status, idempotent, body, produces },
      params: schemaOf(params, "input"),
      returns: schemaOf(returns, "output"),
    }),
  ) as ActionSnapshot;
}

function shapeOf(schema: z.ZodType): Shape {
  const [taken, sent] = [schemaOf(schema, "input"), schemaOf(schema, "output")];
  return JSON.stringify(taken) === JSON.stringify(sent) ? { taken } : { taken, sent };
}

function schemaOf(schema: z.ZodType, io: "input" | "output"): Schema {
  const made = z.toJSONSchema(schema, {
    io,
    unrepresentable: "any",
    target: "draft-2020-12",
    override: ({ zodSchema, jsonSchema }) => addConditions(zodSchema, jsonSchema),
  });
  return withoutWords(made) as Schema;
}

/** Text for people only, and the format `password`. */
const WORDS: ReadonlySet<string> = new Set(["$schema", "title", "description", "examples", "default"]);

function withoutWords(value: unknown, isMap = false): unknown {
  if (Array.isArray(value)) return value.map((it) => withoutWords(it));
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).filter(
    ([key, it]) => isMap || !(WORDS.has(key) || (key === "format" && it === "password")),
  );
  return Object.fromEntries(
    kept.map(([key, it]) => [key, withoutWords(it, !isMap && (key === "properties" || key === "$defs"))]),
  );
}

/** As text with one line per named item, so that a diff shows the changes. */
export function snapshotText({ version: released, ...parts }: Snapshot): string {
  const part = ([name, things]: [string, object]) => {
    const lines = Object.entries(things).map(
      ([key, it]) => `    ${JSON.stringify(key)}: ${JSON.stringify(it)}`,
    );
    return `  ${JSON.stringify(name)}: {\n${lines.join(",\n")}\n  }`;
  };
  const all = Object.entries(parts).map(part);
  return `{\n  "version": ${JSON.stringify(released)},\n${all.join(",\n")}\n}\n`;
}
