/** The `_sim` routes by which scripts, tests in other processes and people control an emulator. */
import { z } from "zod";
import type { Emulator, Knobs } from "../../emulator.ts";
import { Answered, type Call, type Routes } from "./http-app.ts";

const probability = z.number().min(0).max(1);
const milliseconds = z.int().min(0).max(3_600_000);
const outcome = z.enum(["succeed", "decline", "expire", "cancel", "tooMuch", "withFee", "process"]);

const changes = z.strictObject({
  webhooks: z
    .strictObject({
      duplicate: probability,
      reorder: probability,
      drop: probability,
      tamper: probability,
      delayMs: milliseconds,
      race: z.boolean(),
    })
    .partial()
    .optional(),
  api: z
    .array(
      z.strictObject({
        route: z
          .string()
          .regex(/^[A-Z]+ \/\S*$/, "must be like POST /v1/refunds")
          .optional(),
        times: z.int().min(1),
        fault: z.union([
          z.literal(401),
          z.literal(429),
          z.literal(500),
          z.literal(503),
          z.enum(["timeout", "reset", "unreachable"]),
        ]),
      }),
    )
    .optional(),
  autopay: z.strictObject({ outcome, afterMs: milliseconds }).nullable().optional(),
});

type Steered = Pick<Emulator, "knobs" | "pay" | "refundAtProvider" | "dispute" | "records">;

/** The error for a request about a payment that does not exist, or whose state does not permit it. */
export const refused = (status: 404 | 409, message: string): Answered =>
  new Answered({ status, body: { error: message } });

export function controlRoutes(it: Steered): Routes {
  return {
    "GET /_sim/knobs": () => ({ status: 200, body: it.knobs }),
    "PATCH /_sim/knobs": (call) => {
      change(it.knobs, parsed(changes, call));
      return { status: 200, body: it.knobs };
    },
    "POST /_sim/pay/:ref": async (call) => {
      const body = parsed(z.strictObject({ outcome }), call);
      await it.pay(call.params.ref ?? "", body.outcome);
      return { status: 200, body: entry(it, call) };
    },
    "POST /_sim/refund/:ref": async (call) => {
      const { amount } = parsed(z.strictObject({ amount: z.int().min(1) }), call);
      await it.refundAtProvider(call.params.ref ?? "", amount);
      return { status: 200, body: entry(it, call) };
    },
    "POST /_sim/dispute/:ref": async (call) => {
      await it.dispute(call.params.ref ?? "");
      return { status: 200, body: entry(it, call) };
    },
    "GET /_sim/records": () => ({ status: 200, body: it.records() }),
  };
}

const entry = (it: Steered, { params }: Call) =>
  it.records().find((book) => book.providerRef === params.ref) ?? null;

function change(knobs: Knobs, { webhooks, api, autopay }: z.output<typeof changes>): void {
  if (webhooks) knobs.webhooks = { ...knobs.webhooks, ...withoutUndefined(webhooks) };
  if (api) knobs.api = api.map(({ route, ...fault }) => (route === undefined ? fault : { route, ...fault }));
  if (autopay !== undefined) knobs.autopay = autopay;
}

type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> };
const withoutUndefined = <T extends object>(given: T): Given<T> =>
  Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Given<T>;

function parsed<S extends z.ZodType>(schema: S, call: Call): z.output<S> {
  const { data, error } = schema.safeParse(call.rawBody.length === 0 ? {} : jsonOf(call));
  if (error) throw new Answered({ status: 400, body: { error: z.prettifyError(error) } });
  return data as z.output<S>;
}

function jsonOf(call: Call): unknown {
  try {
    return call.json();
  } catch (error) {
    throw new Answered({ status: 400, body: { error: `not JSON: ${(error as Error).message}` } });
  }
}
