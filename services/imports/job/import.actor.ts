/**
 * One import. First its whole file is read without writing anything, so that a file that is not well-formed changes
 * nothing. Then its records are imported, some at a time. A step names where it begins. So a step that was done twice
 * after a crash counts once.
 */
import { z } from "zod";
import { type Decision, defineActor, type Outgoing, send } from "../../../broker/actor/define-actor.ts";
import { defineMachine, type Ignored } from "../../../broker/actor/state-machine.ts";
import type { ReceivedBy } from "../../../broker/contract/contract.ts";
import type { Message } from "../../../broker/contract/envelope.ts";
import { id, time } from "../../../broker/contract/schemas.ts";
import { imports } from "../imports.contract.ts";
import {
  type Counts,
  counts,
  type ImportStatus,
  importFormat,
  importKind,
  importStatus,
  type Position,
  position,
} from "../imports.schemas.ts";

export const importState = z.strictObject({
  status: importStatus,
  what: importKind,
  format: importFormat,
  dryRun: z.boolean(),
  bytes: z.int(),
  parts: z.int(),
  by: id.nullable(),
  /** Names of the columns of a CSV file; null until they were read. */
  columns: z.array(z.string()).nullable(),
  checked: position,
  /** Where the next step begins, once all of the file is checked. */
  done: position,
  counts,
  failure: z.strictObject({ line: z.int(), reason: z.string() }).nullable(),
  createdAt: time,
  endedAt: time.nullable(),
});
export type ImportState = z.output<typeof importState>;
export type ImportMessage = ReceivedBy<typeof imports, "import">;

type Decided = Decision<ImportState>;

const ignore = (reason: string): Ignored => ({ ignore: reason });
const START: Position = { byte: 0, line: 0 };
const NOTHING: Counts = { done: 0, created: 0, updated: 0, unchanged: 0, failed: 0 };

const check = (importId: string, { what, format, parts, columns, checked: from }: ImportState): Outgoing =>
  send("import.check", importId, { what, format, parts, columns, from });

const apply = (importId: string, { what, format, parts, columns, dryRun, by, done: from }: ImportState) =>
  send("import.apply", importId, { what, format, parts, columns: columns ?? [], dryRun, by, from });

/** Its file is not kept any longer. */
function end(importId: string, state: ImportState, status: ImportStatus, at: string): Decided {
  const { what, dryRun, counts, by, parts } = state;
  return {
    state: { ...state, status, endedAt: at },
    send: [
      send("import.discard", importId, { parts }),
      send("import.ended", importId, { what, status, dryRun, counts, by }),
    ],
  };
}

function start(_: null, { subject, data, time }: Message<"import.start">): Decided {
  const state: ImportState = {
    ...data,
    status: "checking",
    columns: null,
    checked: START,
    done: START,
    counts: NOTHING,
    failure: null,
    createdAt: time,
    endedAt: null,
  };
  return { state, send: [check(subject, state)] };
}

function checked(before: ImportState, { subject, data }: Message<"import.checked">): Decided {
  if (data.from.byte !== before.checked.byte) return { state: before };
  const state = { ...before, checked: data.to, columns: data.columns };
  if (!data.end) return { state, send: [check(subject, state)] };
  const running: ImportState = { ...state, status: "running" };
  return { state: running, send: [apply(subject, running)] };
}

function applied(before: ImportState, { subject, data, time }: Message<"import.applied">): Decided {
  if (data.from.byte !== before.done.byte) return { state: before };
  const state = { ...before, done: data.to, counts: sum(before.counts, data.counts) };
  if (data.end) return end(subject, state, "completed", time);
  return { state, send: [apply(subject, state)] };
}

/** What was being written when it was cancelled. */
function appliedLate(state: ImportState, { data }: Message<"import.applied">): Decided {
  if (data.from.byte !== state.done.byte) return { state };
  return { state: { ...state, done: data.to, counts: sum(state.counts, data.counts) } };
}

function refused(state: ImportState, { subject, data, time }: Message<"import.refused">): Decided {
  const at = state.status === "checking" ? state.checked : state.done;
  if (data.from.byte !== at.byte) return { state };
  return end(subject, { ...state, failure: data.failure }, "failed", time);
}

const cancel = (state: ImportState, { subject, time }: Message<"import.cancel">): Decided =>
  end(subject, state, "cancelled", time);

const sum = (a: Counts, b: Counts): Counts => ({
  done: a.done + b.done,
  created: a.created + b.created,
  updated: a.updated + b.updated,
  unchanged: a.unchanged + b.unchanged,
  failed: a.failed + b.failed,
});

const ended = (state: ImportState): Decided => ({
  state,
  refusal: { code: "IMPORT_ENDED", detail: `The import is ${state.status}.` },
});

const hasEnded = {
  "import.start": ignore("begun already"),
  "import.checked": ignore("it has ended"),
  "import.refused": ignore("it has ended"),
} as const;

export const machine = defineMachine<ImportState, ImportMessage>({
  name: "import",
  final: ["completed", "failed", "cancelled"],
  table: {
    none: {
      "import.start": { to: ["checking"], decide: start },
      "import.cancel": ignore("there is no such import"),
      "import.checked": ignore("there is no such import"),
      "import.applied": ignore("there is no such import"),
      "import.refused": ignore("there is no such import"),
    },
    checking: {
      "import.start": ignore("begun already"),
      "import.cancel": { to: ["cancelled"], decide: cancel },
      "import.checked": { to: ["checking", "running"], decide: checked },
      "import.applied": ignore("nothing is imported before all of the file is checked"),
      "import.refused": { to: ["checking", "failed"], decide: refused },
    },
    running: {
      "import.start": ignore("begun already"),
      "import.cancel": { to: ["cancelled"], decide: cancel },
      "import.checked": ignore("all of the file is checked"),
      "import.applied": { to: ["running", "completed"], decide: applied },
      "import.refused": { to: ["running", "failed"], decide: refused },
    },
    completed: {
      ...hasEnded,
      "import.cancel": { to: ["completed"], decide: ended },
      "import.applied": ignore("counted already"),
    },
    failed: {
      ...hasEnded,
      "import.cancel": { to: ["failed"], decide: ended },
      "import.applied": ignore("counted already"),
    },
    cancelled: {
      ...hasEnded,
      "import.cancel": { to: ["cancelled"], decide: ended },
      "import.applied": { to: ["cancelled"], decide: appliedLate },
    },
  },
});

export const importActor = defineActor(imports, "import", {
  idempotentByKey: "all",
  startedBy: ["import.start"],
  state: importState,
  receive: machine.receive,
});
