/** Folders from templates: files named `*.txt`, with words such as `__name__` in names and texts. */
import { execFileSync } from "node:child_process";
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const TEMPLATES = fileURLToPath(new URL("templates/", import.meta.url));

/** A template's files by their path from `folder`, with these words put in. */
function rendered(template: string, words: Readonly<Record<string, string>>): Map<string, string> {
  const from = join(TEMPLATES, template);
  const fill = (text: string) =>
    text.replaceAll(/__(\w+?)__/g, (_, word: string) => words[word] ?? missing(word));
  return new Map(
    globSync("**/*.txt", { cwd: from }).map((file) => [
      fill(file.replace(/\.txt$/, "")),
      fill(readFileSync(join(from, file), "utf8")),
    ]),
  );
}

function missing(word: string): never {
  throw new Error(`a template has the unknown word __${word}__`);
}

/** Names that a template's files declare or import: what is made must not have one of them. */
function namesIn(template: string): Set<string> {
  const names = new Set<string>();
  for (const file of globSync("**/*.ts.txt", { cwd: join(TEMPLATES, template) })) {
    const text = readFileSync(join(TEMPLATES, template, file), "utf8");
    for (const [, name = ""] of text.matchAll(/^(?:export )?(?:const|function|interface|type) (\w+)/gm))
      names.add(name);
    for (const [, list = ""] of text.matchAll(/^import (?:type )?\{?([^}]*?)\}? from/gm))
      for (const name of list.split(",")) names.add(name.replace(/\btype\b/, "").trim());
  }
  return names;
}

/**
 * Writes a template's files into a folder below the project's, and formats them.
 * @returns their paths from the project's folder
 * @throws where a file is there already, or the template uses the name itself
 */
export function writeTemplate(
  template: string,
  folder: string,
  words: Readonly<Record<string, string>>,
): string[] {
  const { camel } = words;
  if (camel !== undefined && namesIn(template).has(camel))
    throw new Error(`${camel} is a name that files of a new ${template} use: choose another one`);
  const files = rendered(template, words);
  const paths = [...files.keys()].map((it) => join(folder, it));
  const taken = paths.find((it) => existsSync(join(ROOT, it)));
  if (taken) throw new Error(`${taken} is there already`);
  for (const [path, text] of files) {
    const file = join(ROOT, folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  format(paths);
  return paths;
}

/** Adds a line to a list of exports, in the order of the alphabet. */
export function addLine(file: string, line: string): void {
  const path = join(ROOT, file);
  const lines = readFileSync(path, "utf8").split("\n");
  const at = lines.findIndex((it) => it.startsWith("export ") && it > line);
  lines.splice(at < 0 ? lines.findLastIndex((it) => it.startsWith("export ")) + 1 : at, 0, line);
  writeFileSync(path, lines.join("\n"));
  format([file]);
}

/** Where lines break depends on the length of names. */
function format(paths: readonly string[]): void {
  execFileSync(
    join(ROOT, "node_modules/.bin/biome"),
    ["check", "--write", ...paths.filter((it) => it.endsWith(".ts"))],
    {
      cwd: ROOT,
      stdio: ["ignore", "ignore", "inherit"],
    },
  );
}
