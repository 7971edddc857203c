/** Removes files of uploads that broke off, and of imports whose last message has failed. */
import type { ActorHost } from "../../../broker/actor/runtime/document/actor-host.types.ts";
import type { KeptFiles } from "../reading/kept-file.ts";
import type { ImportMessage, ImportState } from "./import.actor.ts";

/** An upload is never under way for so long. Its id begins with the time. */
const LEFT_MS = 24 * 60 * 60_000;

export async function removeLeftFiles(
  files: KeptFiles,
  host: Pick<ActorHost<ImportState, ImportMessage>, "read">,
  now: number,
): Promise<void> {
  for await (const id of files.ids()) {
    const begun = Number.parseInt(id.replace("-", "").slice(0, 12), 16);
    if (!(begun < now - LEFT_MS)) continue;
    const found = await host.read(id);
    if (!found || found.state.endedAt !== null) await files.removeAll(id);
  }
}
