/** An actor's transition table as a Mermaid diagram, and as tables of what makes no move. */

/** The part of a machine that the diagram shows. */
export interface DrawnMachine {
  readonly name: string;
  readonly final: readonly string[];
  readonly table: Readonly<
    Record<string, Readonly<Record<string, { to: readonly string[] } | { ignore: string }>>>
  >;
}

const NONE = "none";

/** A message in a status: where it leads, or why it is ignored. */
interface Cell {
  status: string;
  message: string;
  to: readonly string[];
  ignored?: string;
}

/**
 * Markdown with a Mermaid diagram of the transitions. Tables list messages without a transition, and ignored ones with reasons.
 * @param timers the actor's own messages, which are private: a move by one is shown without its name
 */
export function stateDiagram({ name, final, table }: DrawnMachine, timers: readonly string[] = []): string {
  const cells = Object.entries(table).flatMap(([status, rows]) =>
    Object.entries(rows).map(([message, row]): Cell => {
      const shown = timers.includes(message) ? "a timer" : message;
      return "ignore" in row
        ? { status, message: shown, to: [], ignored: row.ignore }
        : { status, message: shown, to: row.to };
    }),
  );
  const named = cells.filter((it) => it.message !== "a timer");
  return [
    `# The states of ${name}`,
    "",
    `An arrow is a message that moves the ${name} to another status. [messages.md](messages.md) says what each message means.`,
    "",
    "```mermaid",
    "stateDiagram-v2",
    ...moves(cells),
    ...final.map((status) => `  ${status} --> [*]`),
    "```",
    "",
    ...staying(named),
    ...ignoring(named),
  ].join("\n");
}

function moves(cells: readonly Cell[]): string[] {
  const by = new Map<string, Set<string>>();
  for (const { status, message, to } of cells)
    for (const next of to) {
      if (next === status) continue;
      const move = `${node(status)} --> ${node(next)}`;
      by.set(move, (by.get(move) ?? new Set()).add(message));
    }
  return [...by].map(([move, messages]) => `  ${move}: ${[...messages].join(", ")}`);
}

function staying(cells: readonly Cell[]): string[] {
  const rows = grouped(
    cells.filter(({ status, to }) => to.includes(status)),
    () => "",
  );
  if (rows.length === 0) return [];
  return [
    "These messages are handled, and may leave the status as it is:",
    "",
    "| status | messages |",
    "|---|---|",
    ...rows.map(({ statuses, messages }) => `| ${statuses} | ${messages} |`),
    "",
  ];
}

function ignoring(cells: readonly Cell[]): string[] {
  const rows = grouped(
    cells.filter(({ ignored }) => ignored !== undefined),
    ({ ignored = "" }) => ignored,
  );
  if (rows.length === 0) return [];
  return [
    "These messages change nothing:",
    "",
    "| status | messages | reason |",
    "|---|---|---|",
    ...rows.map(({ statuses, messages, why }) => `| ${statuses} | ${messages} | ${why} |`),
    "",
  ];
}

/** One row for messages of one reason, and for statuses in which they are the same. */
function grouped(cells: readonly Cell[], whyOf: (cell: Cell) => string) {
  const byStatus = new Map<string, { status: string; why: string; messages: string[] }>();
  for (const cell of cells) {
    const why = whyOf(cell);
    const key = JSON.stringify([cell.status, why]);
    const row = byStatus.get(key) ?? { status: cell.status, why, messages: [] };
    row.messages.push(`\`${cell.message}\``);
    byStatus.set(key, row);
  }
  const rows = new Map<string, { statuses: string; messages: string; why: string }>();
  for (const { status, why, messages } of byStatus.values()) {
    const text = messages.join(", ");
    const known = rows.get(`${why} ${text}`);
    rows.set(`${why} ${text}`, {
      statuses: known ? `${known.statuses}, ${status}` : status,
      messages: text,
      why,
    });
  }
  return [...rows.values()];
}

const node = (status: string): string => (status === NONE ? "[*]" : status);
