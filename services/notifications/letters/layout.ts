/** The compiled layout, cut into its blocks once. */
import { escapeHtml } from "../../../broker/http/html-page.ts";
import { LAYOUT } from "./compiled-layout.ts";
import type { Block } from "./letter.ts";

/** Text with `[[names]]` of values, as [text, name, text, name, …, text]. */
type Template = readonly string[];

interface Layout {
  readonly head: Template;
  readonly foot: Template;
  readonly blocks: ReadonlyMap<Block["type"], Template>;
  /** A row of the block `lines`, and what stands around its rows. */
  readonly lines: { readonly before: Template; readonly row: Template; readonly after: Template };
}

const BLOCK = "<!--block:";
const ROWS = "<!--rows-->";

const templateOf = (html: string): Template => html.split(/\[\[([a-z]+)\]\]/i);

function cut(html: string): Layout {
  const [head = "", ...parts] = html.split(BLOCK);
  const blocks = new Map<Block["type"], Template>();
  let foot = "";
  let lines: string[] = [];
  for (const part of parts) {
    const [name = "", rest = ""] = split(part, "-->");
    const [body = "", after = ""] = split(rest, "<!--end-->");
    foot = after;
    if (name === "lines") lines = body.split(ROWS);
    blocks.set(name as Block["type"], templateOf(body));
  }
  const [before = "", row = "", after = ""] = lines;
  return {
    head: templateOf(head),
    foot: templateOf(foot),
    blocks,
    lines: { before: templateOf(before), row: templateOf(row), after: templateOf(after) },
  };
}

function split(text: string, mark: string): [string, string] {
  const at = text.indexOf(mark);
  if (at < 0) throw new Error(`the layout of e-mails lacks ${mark}`);
  return [text.slice(0, at), text.slice(at + mark.length)];
}

export const layout = cut(LAYOUT);

/** HTML that is no value to be escaped. */
export class Html {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** Puts values into a template. A value is escaped, and never looked through for further names. */
export function filled(template: Template, values: Readonly<Record<string, string | Html>>): string {
  let html = "";
  for (const [index, part] of template.entries()) {
    if (index % 2 === 0) html += part;
    else {
      const value = values[part];
      if (value === undefined) throw new Error(`the layout of e-mails asks for ${part}`);
      html += value instanceof Html ? value.text : escapeHtml(value);
    }
  }
  return html;
}

/** Lines of values as HTML. Each has a direction of its own, as an address in another script. */
export const isolatedLines = (lines: readonly string[]): Html =>
  new Html(lines.map((it) => `<bdi>${escapeHtml(it)}</bdi>`).join("<br />"));

/** Lines of plain text as HTML. */
export const linesOf = (text: string): Html => new Html(text.split("\n").map(escapeHtml).join("<br />"));
