/** The README's story as a script: its blocks in order, as they stand. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

function storyScript(): string {
  const blocks = [...readFileSync("README.md", "utf8").matchAll(/<!-- story -->\n```sh\n([\s\S]*?)```/g)];
  return blocks.map((match) => match[1]).join("");
}

/** Runs the story in bash against a shop. @returns what it printed, by lines @throws with its output when a command fails */
export async function tellStory(api: string, bootstrapToken: string): Promise<string[]> {
  const cwd = await mkdtemp(join(tmpdir(), "souk-story-"));
  try {
    const { stdout } = await run("bash", ["-euo", "pipefail", "-c", storyScript()], {
      cwd,
      env: { ...process.env, API: api, BOOT: bootstrapToken },
      timeout: 60_000,
    });
    return stdout.trim().split("\n");
  } finally {
    await rm(cwd, { recursive: true, force: true });
  }
}
