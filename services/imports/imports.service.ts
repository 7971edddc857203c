/** Imports of files, and exports. */
import { SoukError } from "../../broker/contract/errors.ts";
import { defineService } from "../../broker/moleculer/define-service.ts";
import { regularly } from "../../broker/resilience/regularly.ts";
import { actorHost } from "../../mixins/actor-host.ts";
import { mongo } from "../../mixins/mongo.ts";
import { workers } from "../../mixins/workers.ts";
import { exportPage } from "./exports/export-page.ts";
import { imports } from "./imports.contract.ts";
import { importActor } from "./job/import.actor.ts";
import { lineErrorModel } from "./job/line-errors.model.ts";
import { errorsCsv, listErrors } from "./job/line-errors.ts";
import { listImports } from "./job/list-imports.ts";
import { removeLeftFiles } from "./job/remove-left-files.ts";
import { runStep } from "./job/run-step.ts";
import { viewOf } from "./job/view.ts";
import { KeptFiles } from "./reading/kept-file.ts";
import { wrongBeginning } from "./reading/text-pieces.ts";

/** The gateway has checked the caller's scopes. It calls `exportPage` repeatedly. */
const begin = () => undefined;

export default defineService(imports, {
  mixins: [mongo({ lineErrors: lineErrorModel }), actorHost({ import: importActor }), workers()],

  setup({ actors, models, broker, clock, call, logger }) {
    const files = new KeptFiles(broker.souk.files);
    const removeLeft = () => removeLeftFiles(files, actors.import, clock.now());
    return {
      files,
      leftFiles: regularly(removeLeft, logger),
      steps: { host: actors.import, files, lineErrors: models.lineErrors, clock, call },
    };
  },

  methods: {
    async found(id: string) {
      const found = await this.actors.import.read(id);
      if (!found) throw new SoukError("NOT_FOUND", "There is no such import.");
      return found;
    },
  },

  actions: {
    async start({ params: { what, dryRun, file }, meta: { user } }) {
      const started = await this.actors.import.apply(file.id, "import.start", {
        what,
        format: file.type === "text/csv" ? "csv" : "jsonl",
        dryRun,
        bytes: file.bytes,
        parts: file.parts,
        by: user?.id ?? null,
      });
      return viewOf(started);
    },

    list({ params }) {
      return listImports(this.actors.import.documents, params);
    },

    async get({ params: { id } }) {
      return viewOf(await this.found(id));
    },

    // The gateway streams. It calls `next` repeatedly.
    async events({ params: { id } }) {
      return viewOf(await this.found(id));
    },

    async next({ params: { id, after, waitMs } }) {
      const changed = await this.actors.import.next(id, after, waitMs);
      return changed && viewOf(changed);
    },

    async errors({ params }) {
      await this.found(params.id);
      return listErrors(this.models.lineErrors, params);
    },

    errorsFile({ params: { id } }) {
      return this.found(id);
    },

    errorsPage({ params: { id, next } }) {
      return errorsCsv(this.models.lineErrors, id, next);
    },

    async cancel({ params: { id } }) {
      await this.found(id);
      return viewOf(await this.actors.import.apply(id, "import.cancel", {}));
    },

    exportProducts: begin,
    exportProductLines: begin,
    exportStock: begin,
    exportOrders: begin,
    exportCustomers: begin,
    exportPayments: begin,

    exportPage(ctx) {
      const { file, next } = ctx.params;
      return exportPage(ctx.call.bind(ctx), file, next, this.clock.now());
    },

    async keepPart({ params: { uploadId, number, bytes } }) {
      const part = Buffer.from(bytes, "base64");
      const wrong = wrongBeginning(part);
      if (wrong !== undefined) {
        if (number > 0) await this.files.remove(uploadId, number);
        throw new SoukError("IMPORT_FILE_REFUSED", `The file: ${wrong}.`);
      }
      await this.files.keep(uploadId, number, part);
    },
  },

  workers: {
    reader(message, { answer }) {
      return runStep(this.steps, message, answer);
    },
  },

  started() {
    this.leftFiles.start();
  },

  stopped() {
    this.leftFiles.stop();
  },
});
