/** A letter as HTML for e-mails. */
import { filled, type Html, isolatedLines, layout, linesOf } from "./layout.ts";
import type { Block, Letter } from "./letter.ts";

export function renderHtml({
  locale,
  direction,
  shop,
  subject,
  title,
  short,
  blocks,
  footer,
}: Letter): string {
  const all = {
    lang: locale,
    dir: direction,
    start: direction === "rtl" ? "right" : "left",
    end: direction === "rtl" ? "left" : "right",
    shop,
    subject,
    title,
    preview: short,
    footer: linesOf(footer),
  };
  return (
    filled(layout.head, all) + blocks.map((it) => renderBlock(it, all)).join("") + filled(layout.foot, all)
  );
}

function renderBlock(block: Block, all: Readonly<Record<string, string | Html>>): string {
  if (block.type === "lines") {
    const { before, row, after } = layout.lines;
    const rows = block.rows.map(({ name, detail, total }) => filled(row, { ...all, name, detail, total }));
    return (
      filled(before, all) +
      rows.join("") +
      filled(after, { ...all, totalLabel: block.totalLabel, sum: block.sum })
    );
  }
  const template = layout.blocks.get(block.type);
  if (!template) throw new Error(`the layout of e-mails has no block ${block.type}`);
  return filled(template, { ...all, ...valuesOf(block) });
}

function valuesOf(block: Exclude<Block, { type: "lines" }>): Record<string, string | Html> {
  switch (block.type) {
    case "text":
    case "note":
      return { text: linesOf(block.text) };
    case "facts":
      return { label: block.label, lines: isolatedLines(block.lines) };
    case "button":
      return { label: block.label, url: block.url };
  }
}
