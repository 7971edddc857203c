/** A letter as plain text. */
import type { Block, Letter } from "./letter.ts";

export function renderText({ title, blocks, footer, shop }: Letter): string {
  return `${[title, ...blocks.map(textOf), `-- \n${shop}\n${footer}`].join("\n\n")}\n`;
}

function textOf(block: Block): string {
  switch (block.type) {
    case "text":
    case "note":
      return block.text;
    case "lines":
      return [
        ...block.rows.map(({ name, detail, total }) => `${name}\n  ${detail}: ${total}`),
        `${block.totalLabel}: ${block.sum}`,
      ].join("\n");
    case "facts":
      return [`${block.label}:`, ...block.lines].join("\n");
    case "button":
      return `${block.label}:\n${block.url}`;
  }
}
