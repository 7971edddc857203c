/** Requests to a route: right ones, nearly right ones, and such that only look like requests. */
import type { Dice } from "../../scripts/chaos/random.ts";
import type { Harvest } from "./known.ts";
import type { Operation, Parameter } from "./operations.ts";
import { anything, NASTY, type Schema, spoiled, valid } from "./values.ts";
import type { WireRequest } from "./wire.ts";

export interface Speaker {
  name: string;
  /** Undefined for a guest. */
  accessToken?: string;
}

export interface FuzzRequest extends WireRequest {
  operation: Operation;
  speaker: string;
  /** It goes to its operation's route; otherwise what a success looks like is not known. */
  aimed: boolean;
}

/** How much of a request is wrong. */
export type Care = "right" | "nearly" | "wild";

export const anyCare = (dice: Dice): Care =>
  dice.chance(0.5) ? "right" : dice.chance(0.7) ? "nearly" : "wild";

export function makeRequest(
  dice: Dice,
  operation: Operation,
  speaker: Speaker,
  known: Harvest,
  care: Care = anyCare(dice),
): FuzzRequest {
  const { target, aimed } = targetOf(dice, operation, care, known);
  const method =
    care === "right" || dice.chance(0.95)
      ? operation.method
      : dice.pick(["HEAD", "OPTIONS", "PATCH", "TRACE"]);
  const body = bodyOf(dice, operation, care, known);
  return {
    operation,
    speaker: speaker.name,
    aimed: aimed && method === operation.method,
    method,
    target,
    headers: [
      ...authOf(dice, speaker, care),
      ...operation.parameters
        .filter((it) => it.in === "header")
        .flatMap((it) => headerOf(dice, it, care, known)),
      ...(body ? [["Content-Type", body.type] as [string, string]] : []),
      ...(care === "right" ? [] : oddHeaders(dice)),
    ],
    ...(body ? { body: body.bytes } : {}),
  };
}

const safe = (text: string): string => encodeURIComponent(text.toWellFormed());
const PATHS = [
  ...NASTY.map(safe),
  "%ff",
  "%c0%af",
  "%2f",
  "..",
  ".",
  "%E2%80%AE",
  "a".repeat(9_000),
  "a b",
  "//",
  "?",
];

function targetOf(
  dice: Dice,
  { path, parameters }: Operation,
  care: Care,
  known: Harvest,
): { target: string; aimed: boolean } {
  const odd = care !== "right" && dice.chance(care === "wild" ? 0.6 : 0.2);
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    if (odd) return dice.pick(PATHS);
    const { schema = {} } = parameters.find((it) => it.in === "path" && it.name === name) ?? {};
    const there = name === "id" ? known.id(dice, path) : undefined;
    return safe(there ?? String(valid(dice, schema, known, name)));
  });
  const target = filled + searchOf(dice, parameters, care, known);
  const straight = { target, aimed: !odd || filled === path };
  if (care !== "wild") return straight;
  return dice.pick([
    straight,
    straight,
    { target: `http://shop.test${target}`, aimed: straight.aimed },
    { target: `/${target}`, aimed: false },
    { target: `${target}/`, aimed: false },
    { target: target.toUpperCase(), aimed: false },
  ]);
}

function searchOf(dice: Dice, parameters: readonly Parameter[], care: Care, known: Harvest): string {
  const query = parameters
    .filter((it) => it.in === "query" && (it.required || dice.chance(0.3)))
    .map((it) => [it.name, valid(dice, it.schema, known, it.name)] as [string, unknown]);
  if (care !== "right" && dice.chance(0.4))
    query.push([dice.pick([...NASTY, "limit", "cursor", "q"]), dice.pick(NASTY)]);
  if (care === "wild" && query[0] && dice.chance(0.5)) query.push(query[0], [query[0][0], anything(dice)]);
  const search = query.map(([name, value]) => `${safe(name)}=${safe(asText(value))}`).join("&");
  const junk =
    care === "wild" && dice.chance(0.2) ? dice.pick(["&&&", "%", "a=%ff&%c3", "=", "a=b=c", "+"]) : "";
  return search || junk ? `?${search}${junk}` : "";
}

const asText = (value: unknown): string =>
  typeof value === "object" ? JSON.stringify(value) : String(value);

function authOf(dice: Dice, { accessToken }: Speaker, care: Care): [string, string][] {
  if (care === "wild" && dice.chance(0.2))
    return [
      [
        "Authorization",
        dice.pick(["Bearer", "Bearer x", "Basic YTpi", `Bearer ${"a".repeat(5_000)}`, "Bearer a.b.c"]),
      ],
    ];
  if (accessToken === undefined) return [];
  const header: [string, string] = ["Authorization", `Bearer ${accessToken}`];
  return care === "wild" && dice.chance(0.1) ? [header, header] : [header];
}

function headerOf(
  dice: Dice,
  { name, required, schema }: Parameter,
  care: Care,
  known: Harvest,
): [string, string][] {
  if (!required && dice.chance(0.5)) return [];
  if (care !== "right" && dice.chance(0.3)) {
    if (dice.chance(0.3)) return [];
    return [[name, headerText(asText(anything(dice)))]];
  }
  const fitting: Record<string, () => string> = {
    // Some are used again, with the same request or another one.
    "Idempotency-Key": () => `"key-${dice.between(1, 2_000)}"`,
    Prefer: () => `wait=${dice.between(0, 1)}`,
    "If-Match": () => dice.pick(["*", '"1"', `"${dice.between(1, 9)}"`]),
    "If-None-Match": () => dice.pick(["*", '"1"', 'W/"x"']),
    "Last-Event-ID": () => String(dice.between(0, 9)),
  };
  return [[name, headerText((fitting[name] ?? (() => asText(valid(dice, schema, known, name))))())]];
}

/** What may stand in a header; other bytes are sent as nonsense, where no answer is expected. */
const headerText = (text: string): string =>
  Buffer.from(text)
    .toString("latin1")
    .replaceAll(/[^\t\x20-\x7e\x80-\xff]/g, "");

const oddHeaders = (dice: Dice): [string, string][] =>
  dice.chance(0.6)
    ? []
    : [
        dice.pick<[string, string]>([
          ["Accept", dice.pick(["*/*", "text/html", "application/json;q=0", ";;q", ",,", "application/pdf"])],
          ["Accept-Encoding", "gzip, br"],
          ["Content-Encoding", "gzip"],
          [
            "traceparent",
            dice.pick(["00-0", `00-${"a".repeat(32)}-${"b".repeat(16)}-01`, "x".repeat(3_000)]),
          ],
          ["X-Request-Id", dice.pick(["x", "<>", "a".repeat(500)])],
          ["X-Forwarded-For", dice.pick(["1.2.3.4", "::1, [::1]:1", ",".repeat(500)])],
          ["Range", "bytes=0-1"],
          ["Origin", dice.pick(["null", "https://evil.test", "x"])],
          ["If-None-Match", dice.pick(["*", ",,,", 'W/"'])],
          ["Cookie", "a=b; ".repeat(200)],
          ["Expect", "100-continue"],
          ["X-HTTP-Method-Override", "DELETE"],
          ["Connection", dice.pick(["close", "keep-alive", "x, y"])],
          ["Prefer", dice.pick(["wait=-1", "wait=,wait=", "respond-async"])],
          ["Last-Event-ID", "9".repeat(99)],
        ]),
      ];

interface Body {
  type: string;
  bytes: Buffer;
}

function bodyOf(dice: Dice, { bodies, method }: Operation, care: Care, known: Harvest): Body | undefined {
  if (bodies.size === 0)
    return care === "wild" && method !== "GET" && dice.chance(0.2)
      ? { type: "application/json", bytes: Buffer.from("{}") }
      : undefined;
  const [type, { schema, example }] = dice.pick([...bodies]);
  if (type === "*/*") return { type: "application/json", bytes: Buffer.from(JSON.stringify(anything(dice))) };
  const right = example !== undefined && dice.chance(0.5) ? example : valid(dice, schema, known);
  if (type === "application/x-www-form-urlencoded") {
    const fields = Object.entries(right as object).map(([name, value]): [string, string] => [
      name,
      asText(value),
    ]);
    return { type, bytes: Buffer.from(new URLSearchParams(fields).toString()) };
  }
  if (care === "right") return { type, bytes: Buffer.from(JSON.stringify(right)) };
  if (care === "nearly") return { type, bytes: Buffer.from(JSON.stringify(spoiled(dice, right))) };
  return wildBody(dice, type, right, schema, known);
}

function wildBody(
  dice: Dice,
  type: string,
  right: unknown,
  schema: Schema,
  known: Harvest,
): Body | undefined {
  const text = JSON.stringify(right);
  const bytes = dice.pick<() => Buffer | undefined>([
    () => undefined,
    () => Buffer.alloc(0),
    () => Buffer.from(JSON.stringify(anything(dice))),
    () => Buffer.from(text.slice(0, dice.between(0, text.length))),
    () => Buffer.from(`\ufeff${text}`),
    () => Buffer.concat([Buffer.from(text.slice(0, -1)), Buffer.from([0xff, 0xfe, 0x00])]),
    () => Buffer.from(text, "utf16le"),
    () => Buffer.from(`${'{"a":'.repeat(2_000)}1${"}".repeat(2_000)}`),
    () => Buffer.from(`${"[".repeat(40_000)}${"]".repeat(40_000)}`),
    () => Buffer.from(`{"a":1,"a":2,"${" ".repeat(95_000)}":3}`),
    () => Buffer.from(`{"name":"\\ud800","q":"${"x".repeat(50_000)}"}`),
    () => Buffer.from(JSON.stringify({ ...(right as object), more: "x".repeat(150_000) })),
    () =>
      Buffer.from(
        JSON.stringify(Array.from({ length: 2_000 }, () => valid(dice, schema, known))).slice(0, 99_000),
      ),
    () => Buffer.from(JSON.stringify({ __proto__: 1, constructor: { prototype: anything(dice) } })),
    () => Buffer.from(JSON.stringify(spoiled(dice, spoiled(dice, spoiled(dice, right))))),
  ])();
  if (!bytes) return undefined;
  const types = [
    type,
    type,
    type,
    "text/plain",
    "application/json; charset=utf-16",
    "multipart/form-data",
    "x",
  ];
  return { type: dice.pick(types), bytes };
}
