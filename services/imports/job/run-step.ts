/** What the worker does for a message of an import. A repeated message does the same, and changes nothing twice. */
import type { Model } from "mongoose";
import type { ActorHost } from "../../../broker/actor/runtime/document/actor-host.types.ts";
import type { Message } from "../../../broker/contract/envelope.ts";
import type { TypedCall, WorkerTools } from "../../../broker/moleculer/handlers.ts";
import type { Clock } from "../../../broker/resilience/clock.ts";
import { type KeptFiles, MissingPartError } from "../reading/kept-file.ts";
import { RefusedFileError } from "../reading/refused-file.ts";
import { applyStep, type Writers } from "../steps/apply-step.ts";
import { checkStep } from "../steps/check-step.ts";
import type { ImportMessage, ImportState } from "./import.actor.ts";
import type { StoredLineError } from "./line-errors.model.ts";
import { recordErrors } from "./line-errors.ts";

export interface StepTools {
  host: Pick<ActorHost<ImportState, ImportMessage>, "read">;
  files: KeptFiles;
  lineErrors: Model<StoredLineError>;
  clock: Clock;
  call: TypedCall;
}

type Reading = Message<"import.check" | "import.apply">;
type Step = Reading | Message<"import.discard">;

export async function runStep(tools: StepTools, message: Step, answer: WorkerTools["answer"]): Promise<void> {
  const { subject } = message;
  if (message.type === "import.discard") {
    await tools.files.remove(subject, message.data.parts);
    return;
  }
  if (!(await isNext(tools, message))) return;
  const { from } = message.data;
  try {
    if (message.type === "import.check") {
      const { data } = message;
      const checked = await checkStep(tools.files.open(subject, data.parts), data);
      await answer("import.checked", subject, { from, ...checked });
    } else {
      const { data } = message;
      const { errors, ...applied } = await applyStep(
        tools.files.open(subject, data.parts),
        data,
        writersOf(tools, subject, data),
      );
      await recordErrors(tools.lineErrors, subject, errors, new Date(tools.clock.now()));
      await answer("import.applied", subject, { from, ...applied });
    }
  } catch (error) {
    if (error instanceof MissingPartError && !(await isNext(tools, message))) return;
    if (!(error instanceof RefusedFileError)) throw error;
    await answer("import.refused", subject, { from, failure: { line: error.line, reason: error.message } });
  }
}

/** Whether the import still waits for this step. A message may come again when the import has gone on, or has ended. */
async function isNext({ host }: StepTools, { type, subject, data }: Reading): Promise<boolean> {
  const state = (await host.read(subject))?.state;
  if (type === "import.check") return state?.status === "checking" && state.checked.byte === data.from.byte;
  return state?.status === "running" && state.done.byte === data.from.byte;
}

/** One write of up to 100 rows takes less than a second, and longer while the shop is busy. */
const PATIENCE = { timeout: 50_000 };

const writersOf = (
  { call }: StepTools,
  job: string,
  { dryRun, by }: { dryRun: boolean; by: string | null },
): Writers => ({
  products: (items) => call("products.importMany", { job, dryRun, items }, PATIENCE),
  stock: (items) => call("inventory.importMany", { job, dryRun, by, items }, PATIENCE),
});
