/** Requests to a route: valid ones, almost valid ones, and bytes that only look like requests. */
import type { SeededRandom } from "../support/seeded-random.ts";
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
  /** Whether it goes to its operation's route. Otherwise the form of a success is unknown. */
  aimed: boolean;
}

/** How much of a request is wrong. */
export type Care = "right" | "nearly" | "wild";

export const anyCare = (random: SeededRandom): Care =>
  random.chance(0.5) ? "right" : random.chance(0.7) ? "nearly" : "wild";

export function makeRequest(
  random: SeededRandom,
  operation: Operation,
  speaker: Speaker,
  known: Harvest,
  care: Care = anyCare(random),
): FuzzRequest {
  const { target, aimed } = targetOf(random, operation, care, known);
  const method =
    care === "right" || random.chance(0.95)
      ? operation.method
      : random.pick(["HEAD", "OPTIONS", "PATCH", "TRACE"]);
  const body = bodyOf(random, operation, care, known);
  return {
    operation,
    speaker: speaker.name,
    aimed: aimed && method === operation.method,
    method,
    target,
    headers: [
      ...authOf(random, speaker, care),
      ...operation.parameters
        .filter((it) => it.in === "header")
        .flatMap((it) => headerOf(random, it, care, known)),
      ...(body ? [["Content-Type", body.type] as [string, string]] : []),
      ...(care === "right" ? [] : oddHeaders(random)),
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
  random: SeededRandom,
  { path, parameters }: Operation,
  care: Care,
  known: Harvest,
): { target: string; aimed: boolean } {
  const odd = care !== "right" && random.chance(care === "wild" ? 0.6 : 0.2);
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    if (odd) return random.pick(PATHS);
    const { schema = {} } = parameters.find((it) => it.in === "path" && it.name === name) ?? {};
    const there = name === "id" ? known.id(random, path) : undefined;
    return safe(there ?? String(valid(random, schema, known, name)));
  });
  const target = filled + searchOf(random, parameters, care, known);
  const straight = { target, aimed: !odd || filled === path };
  if (care !== "wild") return straight;
  return random.pick([
    straight,
    straight,
    { target: `http://shop.test${target}`, aimed: straight.aimed },
    { target: `/${target}`, aimed: false },
    { target: `${target}/`, aimed: false },
    { target: target.toUpperCase(), aimed: false },
  ]);
}

function searchOf(
  random: SeededRandom,
  parameters: readonly Parameter[],
  care: Care,
  known: Harvest,
): string {
  const query = parameters
    .filter((it) => it.in === "query" && (it.required || random.chance(0.3)))
    .map((it) => [it.name, valid(random, it.schema, known, it.name)] as [string, unknown]);
  if (care !== "right" && random.chance(0.4))
    query.push([random.pick([...NASTY, "limit", "cursor", "q"]), random.pick(NASTY)]);
  if (care === "wild" && query[0] && random.chance(0.5))
    query.push(query[0], [query[0][0], anything(random)]);
  const search = query.map(([name, value]) => `${safe(name)}=${safe(asText(value))}`).join("&");
  const junk =
    care === "wild" && random.chance(0.2) ? random.pick(["&&&", "%", "a=%ff&%c3", "=", "a=b=c", "+"]) : "";
  return search || junk ? `?${search}${junk}` : "";
}

const asText = (value: unknown): string =>
  typeof value === "object" ? JSON.stringify(value) : String(value);

function authOf(random: SeededRandom, { accessToken }: Speaker, care: Care): [string, string][] {
  if (care === "wild" && random.chance(0.2))
    return [
      [
        "Authorization",
        random.pick(["Bearer", "Bearer x", "Basic YTpi", `Bearer ${"a".repeat(5_000)}`, "Bearer a.b.c"]),
      ],
    ];
  if (accessToken === undefined) return [];
  const header: [string, string] = ["Authorization", `Bearer ${accessToken}`];
  return care === "wild" && random.chance(0.1) ? [header, header] : [header];
}

function headerOf(
  random: SeededRandom,
  { name, required, schema }: Parameter,
  care: Care,
  known: Harvest,
): [string, string][] {
  if (!required && random.chance(0.5)) return [];
  if (care !== "right" && random.chance(0.3)) {
    if (random.chance(0.3)) return [];
    return [[name, headerText(asText(anything(random)))]];
  }
  const fitting: Record<string, () => string> = {
    // Some are used again, with the same request or another one.
    "Idempotency-Key": () => `"key-${random.between(1, 2_000)}"`,
    Prefer: () => `wait=${random.between(0, 1)}`,
    "If-Match": () => random.pick(["*", '"1"', `"${random.between(1, 9)}"`]),
    "If-None-Match": () => random.pick(["*", '"1"', 'W/"x"']),
    "Last-Event-ID": () => String(random.between(0, 9)),
  };
  return [[name, headerText((fitting[name] ?? (() => asText(valid(random, schema, known, name))))())]];
}

/** What may stand in a header; other bytes are sent as nonsense, where no answer is expected. */
const headerText = (text: string): string =>
  Buffer.from(text)
    .toString("latin1")
    .replaceAll(/[^\t\x20-\x7e\x80-\xff]/g, "");

const oddHeaders = (random: SeededRandom): [string, string][] =>
  random.chance(0.6)
    ? []
    : [
        random.pick<[string, string]>([
          [
            "Accept",
            random.pick(["*/*", "text/html", "application/json;q=0", ";;q", ",,", "application/pdf"]),
          ],
          ["Accept-Encoding", "gzip, br"],
          ["Content-Encoding", "gzip"],
          [
            "traceparent",
            random.pick(["00-0", `00-${"a".repeat(32)}-${"b".repeat(16)}-01`, "x".repeat(3_000)]),
          ],
          ["X-Request-Id", random.pick(["x", "<>", "a".repeat(500)])],
          ["X-Forwarded-For", random.pick(["1.2.3.4", "::1, [::1]:1", ",".repeat(500)])],
          ["Range", "bytes=0-1"],
          ["Origin", random.pick(["null", "https://evil.test", "x"])],
          ["If-None-Match", random.pick(["*", ",,,", 'W/"'])],
          ["Cookie", "a=b; ".repeat(200)],
          ["Expect", "100-continue"],
          ["X-HTTP-Method-Override", "DELETE"],
          ["Connection", random.pick(["close", "keep-alive", "x, y"])],
          ["Prefer", random.pick(["wait=-1", "wait=,wait=", "respond-async"])],
          ["Last-Event-ID", "9".repeat(99)],
        ]),
      ];

interface Body {
  type: string;
  bytes: Buffer;
}

function bodyOf(
  random: SeededRandom,
  { bodies, method }: Operation,
  care: Care,
  known: Harvest,
): Body | undefined {
  if (bodies.size === 0)
    return care === "wild" && method !== "GET" && random.chance(0.2)
      ? { type: "application/json", bytes: Buffer.from("{}") }
      : undefined;
  const [type, { schema, examples = {} }] = random.pick([...bodies]);
  if (type === "*/*")
    return { type: "application/json", bytes: Buffer.from(JSON.stringify(anything(random))) };
  const example = Object.values(examples)[0]?.value;
  const right = example !== undefined && random.chance(0.5) ? example : valid(random, schema, known);
  if (type === "application/x-www-form-urlencoded") {
    const fields = Object.entries(right as object).map(([name, value]): [string, string] => [
      name,
      asText(value),
    ]);
    return { type, bytes: Buffer.from(new URLSearchParams(fields).toString()) };
  }
  if (care === "right") return { type, bytes: Buffer.from(JSON.stringify(right)) };
  if (care === "nearly") return { type, bytes: Buffer.from(JSON.stringify(spoiled(random, right))) };
  return wildBody(random, type, right, schema, known);
}

function wildBody(
  random: SeededRandom,
  type: string,
  right: unknown,
  schema: Schema,
  known: Harvest,
): Body | undefined {
  const text = JSON.stringify(right);
  const bytes = random.pick<() => Buffer | undefined>([
    () => undefined,
    () => Buffer.alloc(0),
    () => Buffer.from(JSON.stringify(anything(random))),
    () => Buffer.from(text.slice(0, random.between(0, text.length))),
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
        JSON.stringify(Array.from({ length: 2_000 }, () => valid(random, schema, known))).slice(0, 99_000),
      ),
    () => Buffer.from(JSON.stringify({ __proto__: 1, constructor: { prototype: anything(random) } })),
    () => Buffer.from(JSON.stringify(spoiled(random, spoiled(random, spoiled(random, right))))),
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
  return { type: random.pick(types), bytes };
}
