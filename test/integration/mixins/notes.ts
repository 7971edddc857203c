/** A contract made up for tests of the mixins: notes that are written, and copied by a worker. */
import { z } from "zod";
import { defineActor } from "../../../broker/actor/define-actor.ts";
import { actorModel } from "../../../broker/actor/runtime/document/actor-model.ts";
import {
  type ActionsOf,
  action,
  command,
  defineContract,
  event,
  type MessagesOf,
} from "../../../broker/contract/contract.ts";
import { SoukError } from "../../../broker/contract/errors.ts";

const id = z.uuid();
const text = z.string().max(100);
const written = z.strictObject({ id, text, by: z.string() });

const messages = {
  "note.write": command("note", "Writes it", z.strictObject({ text })),
  "note.written": event("note", "It has been written", z.strictObject({ text })),
  "note.copied": event("note", "It has been copied", z.strictObject({ text, by: z.string() })),
};

export const notes = defineContract({
  service: "notes",
  actions: {
    write: action({
      summary: "Writes a note",
      params: z.strictObject({ text }),
      returns: written,
      idempotent: "required",
      status: 201,
    }),
    append: action({
      summary: "Adds to a note",
      params: z.strictObject({ id, text }),
      returns: z.strictObject({ times: z.int() }),
      idempotent: "optional",
    }),
    read: action({
      summary: "Reads a note",
      params: z.strictObject({ id }),
      returns: z.strictObject({ text }),
      readOnly: true,
    }),
  },
  messages,
  actors: { note: { collection: "notes", receives: ["note.write"], partitions: 2 } },
  workers: { copy: { receives: ["note.written"] }, listen: { receives: ["note.copied"] } },
});

declare module "../../../broker/contract/contract.ts" {
  interface Actions extends ActionsOf<typeof notes> {}
  interface Messages extends MessagesOf<typeof messages> {}
}

const state = z.strictObject({ text });

/** A note takes what is written to it, and refuses an empty text. */
export const noteActor = defineActor(notes, "note", {
  state,
  receive(before, { subject, data }) {
    if (data.text === "")
      return { state: before, refusal: { code: "CONFLICT", detail: "A note says something." } };
    return {
      state: { text: (before?.text ?? "") + data.text },
      send: [{ type: "note.written", subject, data: { text: data.text } }],
    };
  },
});

export const noteModel = actorModel(noteActor);

export const noSuchNote = () => new SoukError("NOT_FOUND", "There is no such note.");
