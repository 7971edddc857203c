/** Removes secrets from what a process prints on an unknown failure, or shows on request. */
import { redact, redactedStack } from "../../../broker/contract/secrets/redact.ts";

let done = false;

/** An uncaught error ends the process as in Node.js, but without the fields that drivers add to errors. */
export function redactUncaughtErrors(): void {
  if (done) return;
  done = true;
  process.on("uncaughtException", (error) => {
    console.error(redactedStack(error));
    process.exit(1);
  });
}

/** From now on, all output goes through `redact`. For tools that show anything on request. */
export function redactOutput(...streams: readonly NodeJS.WriteStream[]): void {
  for (const stream of streams) {
    const write = stream.write.bind(stream) as (chunk: string | Uint8Array, ...rest: unknown[]) => boolean;
    stream.write = ((chunk: string | Uint8Array, ...rest: unknown[]) =>
      write(typeof chunk === "string" ? redact(chunk) : chunk, ...rest)) as typeof stream.write;
  }
}
