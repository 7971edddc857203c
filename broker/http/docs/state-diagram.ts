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
    Object.entries(rows).map(
      ([message, row]): Cell =>
        "ignore" in row ? { status, message, to: [], ignored: row.ignore } : { status, message, to: row.to },
    ),
  );
  const named = cells.filter((it) => !timers.includes(it.message));
  return [
    `# The states of ${name}`,
    "",
    `An arrow is a message that moves the ${name} to another status. [messages.md](messages.md) says what each message means.`,
    "",
    "```mermaid",
    "stateDiagram-v2",
    ...moves(cells, timers),
    ...final.map((status) => `  ${status} --> [*]`),
    "```",
    "",
    ...section(
      "These messages are handled, and may leave the status as it is:",
      ["status", "messages"],
      named.filter(({ status, to }) => to.includes(status)),
    ),
    ...section(
      "These messages change nothing:",
      ["status", "messages", "reason"],
      named.filter(({ ignored }) => ignored !== undefined),
    ),
  ].join("\n");
}

function moves(cells: readonly Cell[], timers: readonly string[]): string[] {
  const by = new Map<string, Set<string>>();
  for (const { status, message, to } of cells)
    for (const next of to) {
      if (next === status) continue;
      const move = `${node(status)} --> ${node(next)}`;
      by.set(move, (by.get(move) ?? new Set()).add(timers.includes(message) ? "a timer" : message));
    }
  return [...by].map(([move, messages]) => `  ${move}: ${[...messages].join(", ")}`);
}

/** A table of the cells with a sentence before it; nothing where there are none. */
function section(intro: string, columns: readonly string[], cells: readonly Cell[]): string[] {
  if (cells.length === 0) return [];
  return [
    intro,
    "",
    line(columns),
    `|${columns.map(() => "---|").join("")}`,
    ...grouped(cells).map(({ statuses, messages, why }) =>
      line([statuses.join(", "), messages, ...(why === undefined ? [] : [why])]),
    ),
    "",
  ];
}

const line = (values: readonly string[]): string => `| ${values.join(" | ")} |`;

/** One row for messages of one reason, and for statuses in which they are the same. */
function grouped(cells: readonly Cell[]) {
  const byStatus = new Map<string, { status: string; why: string | undefined; messages: string[] }>();
  for (const { status, message, ignored: why } of cells) {
    const key = JSON.stringify([status, why]);
    const row = byStatus.get(key) ?? { status, why, messages: [] };
    row.messages.push(`\`${message}\``);
    byStatus.set(key, row);
  }
  const rows = new Map<string, { statuses: string[]; messages: string; why: string | undefined }>();
  for (const { status, why, messages: all } of byStatus.values()) {
    const messages = all.join(", ");
    const key = JSON.stringify([messages, why]);
    const row = rows.get(key) ?? { statuses: [], messages, why };
    row.statuses.push(status);
    rows.set(key, row);
  }
  return [...rows.values()];
}

const node = (status: string): string => (status === NONE ? "[*]" : status);
