/** The layout of e-mails as HTML, compiled from MJML. The shop runs on the result, and does not need the compiler. */
import { readFile } from "node:fs/promises";
import mjml2html from "mjml";

const SOURCE = new URL("../../../services/notifications/letters/layout.mjml", import.meta.url);

let compiled: Promise<string> | undefined;

/** A TypeScript file with the layout. */
export function mailLayout(): Promise<string> {
  compiled ??= compile();
  return compiled;
}

async function compile(): Promise<string> {
  // The side where text begins is a placeholder, which no enum of MJML knows.
  const { html } = await mjml2html(await readFile(SOURCE, "utf8"), { validationLevel: "skip" });
  const lines = html
    .replaceAll("direction:ltr", "direction:[[dir]]")
    .replaceAll("text-align:left", "text-align:[[start]]")
    .replaceAll('align="left"', 'align="[[start]]"')
    .split("\n")
    .map((it) => it.trim())
    .filter((it) => it !== "");
  return `/** Generated from layout.mjml by \`npm run docs\`. */
export const LAYOUT = \`${lines.join("\n").replace(/[\\`$]/g, "\\$&")}
\`;
`;
}
