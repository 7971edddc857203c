/** What a process prints when it fails for no known reason, or shows what it was asked for: never with a secret in it. */
import { redact, redactedStack } from "../../../broker/contract/redact.ts";

let done = false;

/** An error that nobody caught ends the process as Node.js ends it, but without the fields that drivers hang on errors. */
export function redactLastWords(): void {
  if (done) return;
  done = true;
  process.on("uncaughtException", (error) => {
    console.error(redactedStack(error));
    process.exit(1);
  });
}

/** All that is written from now on goes through `redact`: for tools that show whatever they are asked for. */
export function redactOutput(...streams: readonly NodeJS.WriteStream[]): void {
  for (const stream of streams) {
    const write = stream.write.bind(stream) as (chunk: string | Uint8Array, ...rest: unknown[]) => boolean;
    stream.write = ((chunk: string | Uint8Array, ...rest: unknown[]) =>
      write(typeof chunk === "string" ? redact(chunk) : chunk, ...rest)) as typeof stream.write;
  }
}
