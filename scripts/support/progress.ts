/** Progress of long work: one rewritten line on a terminal, a line now and then elsewhere. */

export interface Progress {
  report(done: number, total: number): void;
  end(): void;
}

/** Without a terminal, at most one line in this time. */
const LINE_EVERY_MS = 5_000;

export function createProgress(
  what: string,
  out: Pick<NodeJS.WriteStream, "isTTY" | "write"> = process.stderr,
  now: () => number = () => performance.now(),
): Progress {
  const started = now();
  let lastLine = started;
  return {
    report(done, total) {
      const seconds = (now() - started) / 1_000;
      const left = done > 0 ? Math.ceil((seconds / done) * (total - done)) : 0;
      const text = `${what}: ${done} of ${total}${done < total ? `, about ${left} s left` : `, ${seconds.toFixed(1)} s`}`;
      if (out.isTTY) out.write(`\r\u001b[K${text}`);
      else if (done === total || now() - lastLine >= LINE_EVERY_MS) {
        lastLine = now();
        out.write(`${text}\n`);
      }
    },
    end() {
      if (out.isTTY) out.write("\n");
    },
  };
}
