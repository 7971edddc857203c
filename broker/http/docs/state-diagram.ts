/** An actor's table of transitions as a diagram that GitHub and many editors draw. */

/** The part of a machine that a diagram shows. */
export interface DrawnMachine {
  readonly name: string;
  readonly final: readonly string[];
  readonly table: Readonly<
    Record<string, Readonly<Record<string, { to: readonly string[] } | { ignore: string }>>>
  >;
}

const NONE = "none";

/** Markdown with a Mermaid diagram of the moves, and a table of what is ignored and why. */
export function stateDiagram({ name, final, table }: DrawnMachine): string {
  const moves = new Map<string, string[]>();
  const ignored: string[] = [];
  for (const [status, rows] of Object.entries(table))
    for (const [message, row] of Object.entries(rows)) {
      if ("ignore" in row) {
        ignored.push(`| ${status} | \`${message}\` | ${row.ignore} |`);
        continue;
      }
      for (const to of row.to) {
        if (to === status) continue;
        const move = `${node(status)} --> ${node(to)}`;
        moves.set(move, [...(moves.get(move) ?? []), message]);
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
