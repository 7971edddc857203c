/**
 * Fuzzing of a running shop over raw sockets: requests made from `docs/openapi.json`, by guests, a customer and
 * staff. Faults are an answer of 5xx, an undocumented answer, and a request that is neither answered nor closed.
 */
import { type SeededRandom, seededRandom } from "../support/seeded-random.ts";
import { flawOf, flawOfAny } from "./check-answer.ts";
import { Conversation, Hang } from "./conversation.ts";
import { Harvest } from "./known.ts";
import { type Api, type Operation, readApi } from "./operations.ts";
import { anyCare, type Care, type FuzzRequest, makeRequest, type Speaker } from "./requests.ts";
import { bytesOf, nonsense, type WireAnswer } from "./wire.ts";

export interface FuzzOptions {
  url: string;
  requests: number;
  seed: number;
  /** Connections at once. */
  connections?: number;
  /** Milliseconds without an answer or an end that are a hang. */
  timeoutMs?: number;
  /** Who sends. Called now and then, because tokens expire and fuzzing ends sessions. */
  speakers(): Promise<readonly Speaker[]>;
  /** Values that the shop holds already. */
  known?: Harvest;
  progress?(done: number): unknown;
}

export interface Fault {
  what: string;
  /** Enough to send it again. */
  request: string;
}

export interface FuzzReport {
  sent: number;
  seed: number;
  seconds: number;
  statuses: ReadonlyMap<number, number>;
  /** Routes that have succeeded at least once, and those that never have. */
  succeeded: readonly string[];
  never: readonly string[];
  /** Milliseconds of the slowest answer. */
  slowest: number;
  fault: readonly Fault[];
}

const RENEW_EVERY = 40;
const MOST_FAULTS = 20;

interface Run {
  api: Api;
  options: FuzzOptions;
  known: Harvest;
  speakers: readonly Speaker[];
  /** `sent` at which they were asked for last; while they are, that. */
  renewed: number;
  renewing?: Promise<void> | undefined;
  sent: number;
  statuses: Map<number, number>;
  succeeded: Set<string>;
  slowest: number;
  faults: Fault[];
}

export async function fuzz(options: FuzzOptions): Promise<FuzzReport> {
  const { requests, seed, connections = 8, speakers, known = new Harvest() } = options;
  const begun = performance.now();
  const run: Run = {
    api: readApi(),
    options,
    known,
    speakers: await speakers(),
    renewed: 0,
    sent: 0,
    statuses: new Map(),
    succeeded: new Set(),
    slowest: 0,
    faults: [],
  };
  let conversations = 0;
  const talk = async () => {
    while (run.sent < requests && run.faults.length < MOST_FAULTS) {
      await run.renewing;
      await converse(run, seededRandom(seed, "conversation", conversations++));
      options.progress?.(run.sent);
    }
  };
  await Promise.all(Array.from({ length: connections }, talk));
  const ids = run.api.operations.map((it) => it.id);
  return {
    sent: run.sent,
    seed,
    seconds: (performance.now() - begun) / 1_000,
    statuses: new Map([...run.statuses].sort(([a], [b]) => a - b)),
    succeeded: ids.filter((id) => run.succeeded.has(id)),
    never: ids.filter((id) => !run.succeeded.has(id)),
    slowest: run.slowest,
    fault: run.faults,
  };
}

type Talk = (run: Run, fate: SeededRandom, open: Conversation) => Promise<void>;

const ONE_AFTER_ANOTHER = 0.55;
const TALKS: readonly Talk[] = [pipelined, trickled, halfClosed, abandoned, garbled, bought];

async function converse(run: Run, fate: SeededRandom): Promise<void> {
  const open = new Conversation(new URL(run.options.url), run.options.timeoutMs ?? 20_000);
  const talk = fate.chance(ONE_AFTER_ANOTHER) ? oneAfterAnother : fate.pick(TALKS);
  try {
    await talk(run, fate, open);
  } finally {
    open.destroy();
  }
}

async function oneAfterAnother(run: Run, fate: SeededRandom, open: Conversation): Promise<void> {
  for (let n = fate.between(1, 8); n > 0 && !open.closed; n--) {
    const request = next(run, fate);
    const bytes = bytesOf(request, fate.chance(0.15) ? fate : undefined);
    open.write(bytes);
    if (!(await expectAnswer(run, open, request, bytes))) return;
  }
}

/** Sequences that random requests hardly ever reach, because each step needs the one before. */
const PURCHASE: readonly [operation: string, speaker: string][] = [
  ["setCartItem", "customer"],
  ["placeOrder", "customer"],
  ["payOrder", "customer"],
  ["showSandboxPage", "guest"],
  ["paySandbox", "guest"],
  ["listOrderPayments", "customer"],
  ["cancelOrder", "customer"],
  ["getInvoice", "customer"],
  ["updateDelivery", "staff"],
  ["refundPayment", "staff"],
  ["listCreditNotes", "customer"],
  ["endRefund", "staff"],
];

async function bought(run: Run, fate: SeededRandom, open: Conversation): Promise<void> {
  for (const [id, name] of PURCHASE) {
    const operation = run.api.operations.find((it) => it.id === id);
    const speaker = run.speakers.find((it) => it.name === name);
    if (!operation) throw new Error(`docs/openapi.json has no operation ${id}`);
    if (!speaker || fate.chance(0.1)) continue;
    const request = next(run, fate, operation, speaker, fate.chance(0.9) ? "right" : anyCare(fate));
    const bytes = bytesOf(request);
    open.write(bytes);
    if (!(await expectAnswer(run, open, request, bytes))) return;
  }
}

async function pipelined(run: Run, fate: SeededRandom, open: Conversation): Promise<void> {
  const all = Array.from({ length: fate.between(2, 10) }, () => {
    const request = next(run, fate);
    return { request, bytes: bytesOf(request) };
  });
  open.write(Buffer.concat(all.map((it) => it.bytes)));
  // An answer that closes its connection leaves those behind it unanswered.
  for (const { request, bytes } of all) if (!(await expectAnswer(run, open, request, bytes))) return;
}

async function trickled(run: Run, fate: SeededRandom, open: Conversation): Promise<void> {
  const request = next(run, fate);
  const bytes = bytesOf(request, fate.chance(0.5) ? fate : undefined);
  await open.trickle(bytes, fate);
  await expectAnswer(run, open, request, bytes);
}

/** The whole request, then the client's half of the connection ends: an answer or an end. */
async function halfClosed(run: Run, fate: SeededRandom, open: Conversation): Promise<void> {
  const request = next(run, fate);
  const bytes = bytesOf(request);
  open.write(bytes);
  open.end();
  await expectAnswer(run, open, request, bytes, true);
}

/** The client goes away at once. */
async function abandoned(run: Run, fate: SeededRandom, open: Conversation): Promise<void> {
  const bytes = bytesOf(next(run, fate));
  open.write(bytes.subarray(0, fate.between(1, bytes.length)));
  if (fate.chance(0.5)) await new Promise((resolve) => setTimeout(resolve, fate.between(0, 20)));
}

async function garbled(run: Run, fate: SeededRandom, open: Conversation): Promise<void> {
  const request = next(run, fate);
  const bytes = nonsense(fate, request);
  open.write(bytes);
  open.end();
  try {
    for (;;) {
      const answer = await open.answer(request.method);
      if (!answer || answer.open) break;
      count(run, answer);
      const flaw = flawOfAny(run.api, answer, request.method === "HEAD");
      if (flaw) fault(run, flaw, request, bytes);
    }
    if (!open.closed) return;
    await open.closing();
  } catch (error) {
    broken(run, error, request, bytes);
  }
}

function next(
  run: Run,
  fate: SeededRandom,
  operation: Operation = fate.pick(run.api.operations),
  speaker: Speaker = speakerFor(run, fate, operation),
  care: Care = anyCare(fate),
): FuzzRequest {
  run.sent++;
  return makeRequest(fate, operation, speaker, run.known, care);
}

/** Mostly a caller with the rights, because others get refused. */
function speakerFor({ speakers }: Run, fate: SeededRandom, { id }: Operation): Speaker {
  const usual = /^(?:cart|orders|users)\./.test(id) ? "customer" : "admin";
  const found = fate.chance(0.6) ? speakers.find((it) => it.name === usual) : undefined;
  return found ?? fate.pick(speakers);
}

/** @returns whether more can be expected on this connection */
async function expectAnswer(
  run: Run,
  open: Conversation,
  request: FuzzRequest,
  bytes: Buffer,
  mayClose = false,
): Promise<boolean> {
  const begun = performance.now();
  try {
    const answer = await open.answer(request.method);
    if (!answer) {
      if (!mayClose) fault(run, "closed without an answer", request, bytes);
      return false;
    }
    run.slowest = Math.max(run.slowest, performance.now() - begun);
    count(run, answer);
    const flaw = flawOf(run.api, request, answer);
    if (answer.status === 401 && request.speaker !== "guest") renew(run);
    if (flaw) fault(run, flaw, request, bytes, answer);
    else if (answer.status < 300 && request.method === request.operation.method) learn(run, request, answer);
    return !answer.open && answer.headers.get("connection") !== "close";
  } catch (error) {
    broken(run, error, request, bytes);
    return false;
  }
}

/** At a refusal of somebody who is signed in, but not all the time. */
function renew(run: Run): void {
  if (run.renewing || run.sent - run.renewed < RENEW_EVERY) return;
  run.renewing = run.options.speakers().then((speakers) => {
    run.speakers = speakers;
    run.renewed = run.sent;
    run.renewing = undefined;
  });
}

function count({ statuses }: Run, { status }: WireAnswer): void {
  statuses.set(status, (statuses.get(status) ?? 0) + 1);
}

function learn({ succeeded, known }: Run, { operation }: FuzzRequest, { headers, body }: WireAnswer): void {
  succeeded.add(operation.id);
  if (headers.get("content-type")?.split(";")[0] !== "application/json") return;
  const path = operation.path
    .replace("/api/v1/", "")
    .split("/")
    .filter((it) => !it.startsWith("{"));
  known.gather(path.at(-1) ?? "", JSON.parse(body.toString()));
  known.gather(path[0] ?? "", JSON.parse(body.toString()));
}

/** A hang, or an answer that is no HTTP. Any other error is a bug of this tool. */
function broken(run: Run, error: unknown, request: FuzzRequest, bytes: Buffer): void {
  if (!(error instanceof Error)) throw error;
  fault(run, error instanceof Hang ? `hangs: ${error.message}` : error.message, request, bytes);
}

function fault(run: Run, what: string, request: FuzzRequest, bytes: Buffer, answer?: WireAnswer): void {
  const shown = JSON.stringify(bytes.toString("latin1").replaceAll(/Bearer [\w.-]{20,}/g, "Bearer …"));
  const told = answer ? ` → ${answer.status} ${answer.body.toString().slice(0, 400)}` : "";
  run.faults.push({
    what: `${request.operation.id} by ${request.speaker}: ${what}`,
    request: `${shown.slice(0, 700)}${told}`,
  });
}

export function printed({
  sent,
  seed,
  seconds,
  statuses,
  never,
  succeeded,
  slowest,
  fault,
}: FuzzReport): string[] {
  return [
    `${sent} requests with seed ${seed} in ${seconds.toFixed(0)} s, the slowest answered in ${Math.round(slowest)} ms`,
    [...statuses].map(([status, n]) => `${n} × ${status}`).join(", "),
    `${succeeded.length} of ${succeeded.length + never.length} routes have succeeded${never.length > 0 ? `; never: ${never.join(", ")}` : ""}`,
    `${fault.length} faults`,
    ...fault.map((it) => `- ${it.what}\n  ${it.request}`),
  ];
}
