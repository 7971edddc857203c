/** An actor's transition table as a Mermaid diagram. */

/** The part of a machine that the diagram shows. */
export interface DrawnMachine {
  readonly name: string;
  readonly final: readonly string[];
  readonly table: Readonly<
    Record<string, Readonly<Record<string, { to: readonly string[] } | { ignore: string }>>>
  >;
}

const NONE = "none";

/**
 * Markdown with a Mermaid diagram of the moves, and a table of what is ignored and why.
 * @param timers the actor's own messages, which are private: a move by one is shown without its name
 */
export function stateDiagram({ name, final, table }: DrawnMachine, timers: readonly string[] = []): string {
  const moves = new Map<string, string[]>();
  const ignored: string[] = [];
  for (const [status, rows] of Object.entries(table))
    for (const [message, row] of Object.entries(rows)) {
      const isTimer = timers.includes(message);
      if ("ignore" in row) {
        if (isTimer) continue;
        ignored.push(`| ${status} | \`${message}\` | ${row.ignore} |`);
        continue;
      }
      for (const to of row.to) {
        if (to === status) continue;
        const move = `${node(status)} --> ${node(to)}`;
        moves.set(move, [...new Set([...(moves.get(move) ?? []), isTimer ? "a timer" : message])]);
      }
    }
  return [
    `# The states of ${name}`,
    "",
    "```mermaid",
    "stateDiagram-v2",
    ...[...moves].map(([move, messages]) => `  ${move}: ${messages.join(", ")}`),
    ...final.map((status) => `  ${status} --> [*]`),
    "```",
    "",
    "What changes nothing, and why:",
    "",
    "| status | message | reason |",
    "|---|---|---|",
    ...ignored,
    "",
  ].join("\n");
}

const node = (status: string): string => (status === NONE ? "[*]" : status);
